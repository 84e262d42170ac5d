"""The upload page's requests: open, manifest, groups of files, seal."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tests.images import picture, png
from tests.upload_bodies import FILES_TYPE, group, sha256
from tests.views.visit import Visit, start_visit
from webapp import storage
from webapp.models import Archive, Batch

pytestmark = pytest.mark.django_db


@pytest.fixture
def visit(db: None, settings: Any, tmp_path: Path) -> Visit:
    return start_visit(settings, tmp_path)


@pytest.fixture
def batch(visit: Visit) -> Batch:
    return Batch.objects.create(project=visit.plant.project, name="Open", created_by=visit.alice)


def post_json(client: Client, address: str, body: Any) -> Any:
    return client.post(address, json.dumps(body), content_type="application/json")


def send(visit: Visit, batch: Batch, name: str, content: bytes) -> dict[str, Any]:
    answer: dict[str, Any] = send_all(visit, batch, {name: content})[0]
    return answer


def send_all(visit: Visit, batch: Batch, files: dict[str, bytes]) -> list[dict[str, Any]]:
    response = visit.client.post(visit.address("batch-files", batch.pk), group(files), content_type=FILES_TYPE)
    assert response.status_code == 200, response.content
    rows: list[dict[str, Any]] = response.json()["files"]
    return rows


class TestOpen:
    def test_makes_a_batch_with_what_was_said(self, visit: Visit) -> None:
        body = {"name": "Early shift", "source": visit.plant.line_1.pk, "captured_at": "2026-05-12T06:30"}
        response = post_json(visit.client, visit.address("batch-open"), body)
        assert response.status_code == 201
        batch = Batch.objects.get(pk=response.json()["id"])
        assert (batch.name, batch.source, batch.created_by) == ("Early shift", visit.plant.line_1, visit.alice)
        assert batch.captured_at is not None
        assert batch.captured_at.isoformat() == "2026-05-12T06:30:00+00:00"
        assert response.json()["urls"]["batch"] == visit.address("batch", batch.pk)

    def test_needs_nothing_but_the_project(self, visit: Visit) -> None:
        response = post_json(visit.client, visit.address("batch-open"), {"name": "", "source": "", "captured_at": None})
        assert response.status_code == 201
        assert Batch.objects.get(pk=response.json()["id"]).name

    @pytest.mark.parametrize(
        ("field", "value"), [("captured_at", "yesterday"), ("captured_at", "2999-01-01T00:00"), ("name", "n" * 201)]
    )
    def test_names_the_field_that_is_wrong(self, visit: Visit, field: str, value: str) -> None:
        response = post_json(visit.client, visit.address("batch-open"), {field: value})
        assert response.status_code == 422
        assert list(response.json()["error"]["fields"]) == [field]

    def test_refuses_another_projects_source(self, visit: Visit) -> None:
        foreign = Batch.objects.exclude(project=visit.plant.project).get().project.sources.first()
        assert foreign is not None
        response = post_json(visit.client, visit.address("batch-open"), {"source": foreign.pk})
        assert response.status_code == 422
        assert "source" in response.json()["error"]["fields"]

    def test_refuses_what_is_no_json(self, visit: Visit) -> None:
        for body in ("{", "[]", ""):
            response = visit.client.post(visit.address("batch-open"), body, content_type="application/json")
            assert response.status_code == 400
            assert response.json()["error"]["code"] == "invalid_json"


class TestManifest:
    def test_links_what_the_project_holds(self, visit: Visit, batch: Batch) -> None:
        content = png(picture(red=0.2))
        earlier = Batch.objects.create(project=visit.plant.project, name="Earlier")
        send(visit, earlier, "shift/known.png", content)
        files = [
            {"name": "a/known again.png", "sha256": hashlib.sha256(content).hexdigest()},
            {"name": "a/new.png", "sha256": "0" * 64},
        ]
        response = post_json(visit.client, visit.address("batch-manifest", batch.pk), {"files": files})
        assert response.json() == {"known": [{"name": "a/known again.png", "outcome": "linked", "reason": ""}]}
        link = batch.batch_images.get()
        assert (link.name, link.was_known) == ("a/known again.png", True)

    def test_does_not_tell_what_another_project_holds(self, visit: Visit, batch: Batch) -> None:
        content = png(picture(blue=0.2))
        elsewhere = Batch.objects.exclude(project=visit.plant.project).get().project
        foreign = Batch.objects.create(project=elsewhere, name="Theirs")
        address = f"/p/{foreign.project.slug}/batches/{foreign.pk}/files"
        sent = visit.outsider.post(address, group({"theirs.png": content}), content_type=FILES_TYPE)
        assert sent.status_code == 200
        files = [{"name": "theirs.png", "sha256": hashlib.sha256(content).hexdigest()}]
        response = post_json(visit.client, visit.address("batch-manifest", batch.pk), {"files": files})
        assert response.json() == {"known": []}

    def test_lists_what_is_too_large_to_send(self, visit: Visit, batch: Batch, settings: Any) -> None:
        settings.PIXELWISE_MAX_FILE_MB = 5
        body = {"too_large": [{"name": "a/huge.png", "size_bytes": 7_400_000}, {"name": "ok.png", "size_bytes": 10}]}
        assert post_json(visit.client, visit.address("batch-manifest", batch.pk), body).status_code == 200
        skipped = batch.skipped_files.get()
        assert (skipped.name, skipped.kind) == ("a/huge.png", "rejected")
        assert skipped.reason == "has 7.4 MB; at most 5 MB are accepted"

    @pytest.mark.parametrize(
        "body",
        [
            {"files": "all"},
            {"files": [{"name": "a.png"}]},
            {"files": [{"name": "a.png", "sha256": "XYZ"}]},
            {"files": [{"sha256": "0" * 64}]},
            {"files": ["a.png"]},
            {"files": [{"name": "a.png", "sha256": "0" * 64}] * 1001},
            {"too_large": [{"name": "a.png", "size_bytes": "7"}]},
            {"announced": [{"name": "a.png", "size_bytes": -1}]},
            [],
        ],
    )
    def test_says_what_it_expected(self, visit: Visit, batch: Batch, body: Any) -> None:
        response = post_json(visit.client, visit.address("batch-manifest", batch.pk), body)
        assert response.status_code == 400
        assert "sha256" in response.json()["error"]["message"]


class TestFile:
    def test_stores_a_picture_under_its_folder(self, visit: Visit, batch: Batch) -> None:
        answer = send(visit, batch, "cam 2/disc.png", png(picture(red=0.5)))
        assert answer == {"name": "cam 2/disc.png", "outcome": "stored", "reason": ""}
        assert batch.batch_images.get().name == "cam 2/disc.png"

    def test_sent_twice_counts_once(self, visit: Visit, batch: Batch) -> None:
        content = png(picture(red=0.5))
        send(visit, batch, "disc.png", content)
        assert send(visit, batch, "disc.png", content)["outcome"] == "stored"
        assert (batch.batch_images.count(), batch.skipped_files.count()) == (1, 0)

    def test_same_picture_under_another_name_is_repeated(self, visit: Visit, batch: Batch) -> None:
        content = png(picture(red=0.5))
        send(visit, batch, "disc.png", content)
        answer = send(visit, batch, "copy.png", content)
        assert answer["outcome"] == "repeated"
        assert "disc.png" in answer["reason"]

    def test_rejects_what_is_no_picture_and_goes_on(self, visit: Visit, batch: Batch) -> None:
        answer = send(visit, batch, "fake.jpg", b"no picture")
        assert answer["outcome"] == "rejected"
        assert "not an image" in answer["reason"]
        assert send(visit, batch, "real.png", png(picture()))["outcome"] == "stored"

    def test_what_was_refused_is_not_asked_for_again(self, visit: Visit, batch: Batch) -> None:
        send(visit, batch, "fake.jpg", b"no picture")
        files = [{"name": "fake.jpg", "sha256": sha256(b"no picture")}]
        answer = post_json(visit.client, visit.address("batch-manifest", batch.pk), {"files": files}).json()
        (told,) = answer["known"]
        assert told["outcome"] == "rejected"
        assert "not an image" in told["reason"]

    def test_keeps_a_zip_for_a_worker(self, visit: Visit, batch: Batch) -> None:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("a/1.png", png(picture()))
        assert send(visit, batch, "shift.zip", packed.getvalue())["outcome"] == "archive"
        assert Archive.objects.get().batch == batch

    def test_a_group_is_stored_at_once_each_with_its_own_outcome(self, visit: Visit, batch: Batch) -> None:
        good = [png(picture(mark=mark)) for mark in range(3)]
        files = {"a.png": good[0], "b.jpg": b"no picture", "c.png": good[1], "again.png": good[0], "empty.png": b""}
        rows = send_all(visit, batch, files | {"d.png": good[2]})
        outcomes = {row["name"]: row["outcome"] for row in rows}
        assert outcomes == {
            **{"a.png": "stored", "b.jpg": "rejected", "c.png": "stored"},
            **{"again.png": "repeated", "empty.png": "rejected", "d.png": "stored"},
        }
        assert set(batch.images.values_list("sha256", flat=True)) == {sha256(content) for content in good}
        for content in good:
            assert storage.original_path(sha256(content)).read_bytes() == content

    @pytest.mark.parametrize(
        ("body", "words"),
        [
            (b"\n", "Expected a line of JSON"),
            (b'{"files": []}\n', "Expected a line of JSON"),
            (group({"a.png": b"x"}, name=7), "Expected a line of JSON"),
            (group({"a.png": b"x"}, size_bytes=10**12), "Expected a line of JSON"),
            (group({"a.png": b"x"}, sha256="0" * 64), "is not what was announced"),
            (group({"a.png": b"xyz"})[:-1], "broke off after 2 of 3 bytes"),
        ],
    )
    def test_says_what_it_expected(self, visit: Visit, batch: Batch, body: bytes, words: str) -> None:
        response = visit.client.post(visit.address("batch-files", batch.pk), body, content_type=FILES_TYPE)
        assert response.status_code == 400
        assert words in response.json()["error"]["message"]
        assert batch.batch_images.count() == 0

    def test_takes_no_form(self, visit: Visit, batch: Batch) -> None:
        response = visit.client.post(visit.address("batch-files", batch.pk), {"name": "a.png"})
        assert response.status_code == 415


class TestAnnounced:
    def announce(self, visit: Visit, batch: Batch, names: list[str]) -> None:
        body = {"announced": [{"name": name, "size_bytes": 9} for name in names]}
        assert post_json(visit.client, visit.address("batch-manifest", batch.pk), body).status_code == 200

    def test_an_open_batch_says_what_is_missing(self, visit: Visit, batch: Batch) -> None:
        self.announce(visit, batch, ["a.png", "b.jpg", "c/../c.png"])
        self.announce(visit, batch, ["a.png"])
        send_all(visit, batch, {"a.png": png(picture()), "b.jpg": b"no picture"})
        for address in (visit.address("batch", batch.pk), visit.address("batch-new") + f"?batch={batch.pk}"):
            assert "1 file is missing" in visit.client.get(address).content.decode()
        page = visit.client.get(visit.address("batch-new")).content.decode()
        assert "Continue this upload" in page
        assert "2 files have arrived, 1 is missing" in page

    def test_what_never_came_is_listed_when_the_batch_closes(self, visit: Visit, batch: Batch) -> None:
        self.announce(visit, batch, ["a.png", "lost.png"])
        send(visit, batch, "a.png", png(picture()))
        visit.client.post(visit.address("batch-seal", batch.pk))
        (skipped,) = batch.skipped_files.all()
        assert (skipped.name, skipped.kind) == ("lost.png", "rejected")
        assert "had not arrived" in skipped.reason
        assert batch.announced_files.count() == 0


class TestSeal:
    def test_closes_the_batch_also_when_asked_twice(self, visit: Visit, batch: Batch) -> None:
        for _ in range(2):
            assert visit.client.post(visit.address("batch-seal", batch.pk)).json()["sealed"] is True
        batch.refresh_from_db()
        assert batch.sealed_at is not None

    def test_afterwards_no_more_files_come(self, visit: Visit, batch: Batch) -> None:
        visit.client.post(visit.address("batch-seal", batch.pk))
        sent = group({"late.png": png(picture())})
        for response in (
            visit.client.post(visit.address("batch-files", batch.pk), sent, content_type=FILES_TYPE),
            post_json(visit.client, visit.address("batch-manifest", batch.pk), {"files": []}),
        ):
            assert response.status_code == 409
            assert response.json()["error"]["code"] == "batch_sealed"
        assert batch.batch_images.count() == 0


@pytest.mark.parametrize("name", ["batch-manifest", "batch-files", "batch-seal", "batch-uploads"])
def test_others_find_no_batch(visit: Visit, batch: Batch, name: str) -> None:
    address = visit.address(name, batch.pk)
    assert visit.outsider.post(address).status_code == 404
    assert visit.stranger.post(address, headers={"Accept": "application/json"}).status_code == 401
    assert visit.client.get(address).status_code == 405
    batch.refresh_from_db()
    assert batch.sealed_at is None


def test_a_batch_is_found_in_its_own_project_only(visit: Visit) -> None:
    foreign = Batch.objects.exclude(project=visit.plant.project).get()
    assert visit.client.post(visit.address("batch-seal", foreign.pk)).status_code == 404
