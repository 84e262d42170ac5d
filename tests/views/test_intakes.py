"""The page of automatic intake: what it shows, what its forms refuse, who may use them."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from tests.cast import signed_in
from webapp.models import Batch, Intake, Project, SeenFile, User

SECRET = "wJalrXUtnFEMI-not-a-real-one"


@pytest.fixture(autouse=True)
def allowed(settings: Any) -> None:
    settings.PIXELWISE_WATCH_FOLDERS = ["/srv/cameras"]
    settings.PIXELWISE_BUCKET_ENDPOINTS = ["https://minio.example.com:9000"]


@pytest.fixture
def place(project: Project) -> str:
    return f"/p/{project.slug}/intakes/"


def seen(intake: Intake, path: str, state: str, reason: str = "") -> SeenFile:
    now = timezone.now()
    ended_at = None if state in ("waiting", "taking") else now
    return SeenFile.objects.create(
        intake=intake,
        path=path,
        version=path,
        size_bytes=1,
        modified_at=now,
        seen_at=now,
        state=state,
        reason=reason,
        ended_at=ended_at,
    )


def test_empty_page_says_what_to_do(alice: User, place: str) -> None:
    text = signed_in(alice).get(place).content.decode()
    assert "Nothing comes in by itself yet" in text
    assert "/srv/cameras" in text


def test_without_allowed_folders_it_says_how_to_allow_one(alice: User, place: str, settings: Any) -> None:
    settings.PIXELWISE_WATCH_FOLDERS = []
    text = signed_in(alice).get(place).content.decode()
    assert "PIXELWISE_WATCH_FOLDERS=/srv/cameras make run" in text
    assert "Watch it" not in text


def test_state_counts_and_reasons_are_shown(alice: User, project: Project, place: str) -> None:
    told = {"error": "The folder is not there.", "looked_at": timezone.now()}
    intake = Intake.objects.create(project=project, kind="folder", folder="/srv/cameras", **told)
    for number in range(4):
        seen(intake, f"{number}.png", "stored")
    seen(intake, "<b>.txt", "rejected", "is not an image")
    seen(intake, "locked.png", "waiting", "may not be read")
    client = signed_in(alice)
    text = client.get(place).content.decode()
    for words in ("Cannot look", "The folder is not there.", "&lt;b&gt;.txt", "is not an image", "may not be read"):
        assert words in text
    assert '?show=stored">4</a>' in text
    assert "hx-get" in text
    files = f"{place}{intake.pk}/files"
    assert "&lt;b&gt;.txt" in client.get(files).content.decode()
    assert "locked.png" in client.get(f"{files}?show=waiting").content.decode()
    assert "No such file" in client.get(f"{files}?show=archive&before=junk").content.decode()


def test_files_come_a_page_at_a_time(
    alice: User, project: Project, place: str, monkeypatch: pytest.MonkeyPatch, django_assert_max_num_queries: Any
) -> None:
    monkeypatch.setattr("webapp.views.intakes.FILES_A_PAGE", 3)
    intake = Intake.objects.create(project=project, kind="folder", folder="/srv/cameras")
    for number in range(5):
        seen(intake, f"{number}.txt", "rejected", "is not an image")
    client = signed_in(alice)
    with django_assert_max_num_queries(10):
        first = client.get(f"{place}{intake.pk}/files")
    assert [file.path for file in first.context["files"]] == ["4.txt", "3.txt", "2.txt"]
    older = client.get(f"{place}{intake.pk}/files?before={first.context['older']}")
    assert [file.path for file in older.context["files"]] == ["1.txt", "0.txt"]


def test_a_batch_that_fills_by_itself_is_no_upload_to_go_on_with(alice: User, project: Project, place: str) -> None:
    intake = Intake.objects.create(project=project, kind="folder", folder="/srv/cameras")
    batch = Batch.objects.create(project=project, name="Hour")
    page = f"/p/{project.slug}/batches/{batch.pk}/"
    client = signed_in(alice)
    assert "Continue this upload" in client.get(page).content.decode()
    SeenFile.objects.filter(pk=seen(intake, "a.png", "stored").pk).update(batch=batch)
    text = client.get(page).content.decode()
    assert "It fills by itself" in text
    assert "Continue this upload" not in text


def test_adding_a_folder(alice: User, project: Project, place: str) -> None:
    client = signed_in(alice)
    answer = client.post(f"{place}folders/new", {"folder": "/etc"})
    assert answer.status_code == 422
    assert "Expected a folder at or below /srv/cameras" in answer.content.decode()
    assert client.post(f"{place}folders/new", {"folder": "/srv/cameras/line 3"}).status_code == 302
    assert project.intakes.get().folder == "/srv/cameras/line 3"


def test_a_secret_goes_in_and_never_comes_out(alice: User, project: Project, place: str) -> None:
    client = signed_in(alice)
    form = {
        "endpoint": "https://minio.example.com:9000",
        "bucket": "plant-photos",
        "key_id": "AKID",
        "secret": SECRET,
        "repeats": "0",
    }
    wrong = client.post(f"{place}buckets/new", form | {"bucket": "NO"})
    assert wrong.status_code == 422
    assert SECRET not in wrong.content.decode()
    assert client.post(f"{place}buckets/new", form).status_code == 302
    intake = project.intakes.get()
    assert (intake.repeats, intake.key_id) == (False, "AKID")
    assert SECRET not in client.get(place).content.decode()
    assert client.post(f"{place}{intake.pk}/key", {"key_id": "NEWID", "secret": "another"}).status_code == 302
    intake.refresh_from_db()
    assert intake.key_id == "NEWID"


def test_other_servers_are_no_choice(alice: User, project: Project, place: str) -> None:
    for endpoint in ("http://169.254.169.254", ""):
        form = {"endpoint": endpoint, "bucket": "plant-photos", "repeats": "1"}
        assert signed_in(alice).post(f"{place}buckets/new", form).status_code == 422
    assert not project.intakes.exists()


def test_switching_looking_and_removing(alice: User, project: Project, place: str) -> None:
    client = signed_in(alice)
    intake = Intake.objects.create(project=project, kind="folder", folder="/srv/cameras", finished_at=timezone.now())
    client.post(f"{place}{intake.pk}/switch", {"is_on": "0"})
    intake.refresh_from_db()
    assert not intake.is_on
    client.post(f"{place}{intake.pk}/look")
    intake.refresh_from_db()
    assert intake.finished_at is None
    client.post(f"{place}{intake.pk}/remove")
    assert not Intake.objects.exists()


def test_members_see_but_only_administrators_change(bob: User, project: Project, place: str) -> None:
    intake = Intake.objects.create(project=project, kind="folder", folder="/srv/cameras")
    client = signed_in(bob)
    text = client.get(place).content.decode()
    assert "/srv/cameras" in text
    assert "<form" not in text.split('id="intakes"')[1].split("</main>")[0]
    for address in ("folders/new", "buckets/new", f"{intake.pk}/switch", f"{intake.pk}/remove", f"{intake.pk}/key"):
        assert client.post(f"{place}{address}", {"key_id": "A", "secret": "B"}).status_code == 403
