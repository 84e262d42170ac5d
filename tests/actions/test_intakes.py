"""Who may add, switch and remove intakes, and what is refused before anything is asked of disk or network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied

from webapp.actions.intakes import (
    BucketInput,
    add_bucket,
    add_folder,
    look_now,
    remove_intake,
    replace_key,
    switch_intake,
)
from webapp.actions.refused import Refused
from webapp.actions.sources import SourceInput, add_source, remove_source, unused_sources
from webapp.models import Batch, Intake, Project, User
from webapp.services.sealed_secrets import seal, unseal

SECRET = "wJalrXUtnFEMI-not-a-real-one"


@pytest.fixture(autouse=True)
def allowed(settings: Any) -> None:
    settings.PIXELWISE_WATCH_FOLDERS = ["/srv/cameras", "/srv/own/{project}"]
    settings.PIXELWISE_BUCKET_ENDPOINTS = ["https://minio.example.com:9000/", "aws"]


@pytest.mark.parametrize("folder", ["/srv/cameras", "/srv/cameras/line 3/", "/srv/own/brake-discs-line-3/x"])
def test_allowed_folders_can_be_watched(alice: User, project: Project, folder: str) -> None:
    assert add_folder(project=project, user=alice, folder=folder).folder == folder.rstrip("/")


@pytest.mark.parametrize(
    "folder",
    [
        "/srv/cameras/../secrets",
        "/srv/cameras2",
        "/srv",
        "/",
        "srv/cameras",
        "",
        "/etc",
        "/srv/own/another-project",
        "/srv/own",
        "/srv/cameras/a\x00b",
        "/srv/cameras/./../../etc",
    ],
)
def test_other_folders_are_refused(alice: User, project: Project, folder: str) -> None:
    with pytest.raises(Refused, match="Expected a") as refused:
        add_folder(project=project, user=alice, folder=folder)
    assert refused.value.field == "folder"


def test_where_no_folder_is_allowed_it_says_who_can_allow_one(alice: User, project: Project, settings: Any) -> None:
    settings.PIXELWISE_WATCH_FOLDERS = []
    with pytest.raises(Refused, match="PIXELWISE_WATCH_FOLDERS"):
        add_folder(project=project, user=alice, folder="/srv/cameras")


def test_a_folder_is_watched_once(alice: User, project: Project) -> None:
    add_folder(project=project, user=alice, folder="/srv/cameras")
    with pytest.raises(Refused, match="already"):
        add_folder(project=project, user=alice, folder="/srv/cameras/")


def test_a_secret_is_kept_encrypted(alice: User, project: Project, settings: Any) -> None:
    place = BucketInput(bucket="plant-photos", prefix="/line-3/", region="eu-central-1", key_id="AKID", secret=SECRET)
    intake = add_bucket(project=project, user=alice, place=place)
    assert SECRET not in repr(place)
    assert SECRET not in repr(list(Intake.objects.values()))
    assert unseal(intake.sealed_secret) == SECRET
    assert (intake.prefix, str(intake)) == ("line-3/", "s3://plant-photos/line-3/")
    settings.SECRET_KEY = "another-one"
    with pytest.raises(ValueError, match="SECRET_KEY"):
        unseal(intake.sealed_secret)


def test_the_same_secret_is_never_sealed_alike() -> None:
    assert seal(SECRET) != seal(SECRET)


@pytest.mark.parametrize(
    ("place", "field"),
    [
        (BucketInput("plant-photos", endpoint="http://169.254.169.254"), "endpoint"),
        (BucketInput("plant-photos", endpoint="https://minio.example.com"), "endpoint"),
        (BucketInput("Plant"), "bucket"),
        (BucketInput("a/../b"), "bucket"),
        (BucketInput("10.0.0.1"), "bucket"),
        (BucketInput("arn:aws:s3:::x"), "bucket"),
        (BucketInput("plant-photos", region="evil.example.com#"), "region"),
        (BucketInput("plant-photos", key_id="AKID"), "secret"),
        (BucketInput("plant-photos", secret=SECRET), "key_id"),
        (BucketInput("plant-photos", prefix="x" * 901), "prefix"),
    ],
)
def test_buckets_that_are_refused(alice: User, project: Project, place: BucketInput, field: str) -> None:
    with pytest.raises(Refused) as refused:
        add_bucket(project=project, user=alice, place=place)
    assert refused.value.field == field
    assert SECRET not in str(refused.value)


def test_servers_that_the_installation_names_are_allowed(alice: User, project: Project) -> None:
    for endpoint in ("", "https://minio.example.com:9000"):
        add_bucket(project=project, user=alice, place=BucketInput("plant-photos", endpoint=endpoint))


def test_only_amazon_where_nothing_is_named(alice: User, project: Project, settings: Any) -> None:
    settings.PIXELWISE_BUCKET_ENDPOINTS = []
    add_bucket(project=project, user=alice, place=BucketInput("plant-photos"))
    with pytest.raises(Refused, match="only of Amazon S3"):
        add_bucket(project=project, user=alice, place=BucketInput("photos", endpoint="https://minio.example.com:9000"))


def test_members_who_are_no_administrators_change_nothing(alice: User, bob: User, project: Project) -> None:
    intake = add_folder(project=project, user=alice, folder="/srv/cameras")
    for attempt in (
        lambda: add_folder(project=project, user=bob, folder="/srv/cameras/a"),
        lambda: add_bucket(project=project, user=bob, place=BucketInput("plant-photos")),
        lambda: switch_intake(intake=intake, user=bob, is_on=False),
        lambda: replace_key(intake=intake, user=bob, key_id="A", secret="B"),
        lambda: look_now(intake=intake, user=bob),
        lambda: remove_intake(intake=intake, user=bob),
    ):
        with pytest.raises(PermissionDenied):
            attempt()
    assert Intake.objects.count() == 1


def test_off_and_removed_intakes_leave_no_batch_open(alice: User, project: Project, data_folder: Path) -> None:
    for number, end in enumerate((lambda one: switch_intake(intake=one, user=alice, is_on=False), None)):
        batch = Batch.objects.create(project=project, name="Open")
        batch.skipped_files.create(name="a.txt", kind="rejected", reason="is not an image")
        intake = add_folder(project=project, user=alice, folder=f"/srv/cameras/{number}")
        Intake.objects.filter(pk=intake.pk).update(open_batches={"": ["2026-05-12T12:00:00+00:00", batch.pk]})
        if end is None:
            remove_intake(intake=intake, user=alice)
        else:
            end(intake)
        batch.refresh_from_db()
        assert batch.sealed_at is not None


def test_a_source_that_an_intake_names_stays(alice: User, project: Project) -> None:
    source = add_source(project=project, user=alice, source=SourceInput("Line 3"))
    intake = add_folder(project=project, user=alice, folder="/srv/cameras", source=source)
    assert unused_sources(project) == set()
    with pytest.raises(Refused, match="remove the intake first"):
        remove_source(source=source, user=alice)
    remove_intake(intake=intake, user=alice)
    remove_source(source=source, user=alice)


def test_a_source_of_another_project_is_refused(alice: User, project: Project, charlie: User) -> None:
    other = Project.objects.create(workspace=charlie.workspaces.get(), name="Other", slug="other")
    with pytest.raises(Refused, match="another project"):
        add_folder(project=project, user=alice, folder="/srv/cameras", source=other.sources.create(name="X"))
