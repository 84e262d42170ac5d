"""Large files in pieces: what was acknowledged stays, and the rest may come later, from elsewhere, or twice at once."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from tests.images import picture, png
from tests.upload_bodies import PIECE_TYPE, base64_of, creation, piece, sha256
from tests.views.visit import Visit, start_visit
from webapp import storage
from webapp.models import Archive, Batch, Image, PartialUpload
from webapp.pipeline.partial_uploads import partial_path, remove_expired_partials
from webapp.pipeline.unpack import unpack

pytestmark = pytest.mark.django_db

CONTENT = png(picture(red=0.4))
HALF = len(CONTENT) // 2


@pytest.fixture
def visit(db: None, settings: Any, tmp_path: Path) -> Visit:
    return start_visit(settings, tmp_path)


@pytest.fixture
def batch(visit: Visit) -> Batch:
    return Batch.objects.create(project=visit.plant.project, name="Open", created_by=visit.alice)


def begin(visit: Visit, batch: Batch, content: bytes = CONTENT, name: str = "cam 1/ü.png") -> Any:
    return visit.client.post(visit.address("batch-uploads", batch.pk), headers=creation(name, content))


def send(visit: Visit, batch: Batch, offset: int, part: bytes, content: bytes = CONTENT, **headers: str) -> Any:
    return visit.client.patch(
        visit.address("batch-upload", batch.pk, sha256(content)),
        part,
        content_type=PIECE_TYPE,
        headers=piece(offset) | headers,
    )


def offset_of(visit: Visit, batch: Batch, content: bytes = CONTENT) -> int:
    answer = visit.client.head(visit.address("batch-upload", batch.pk, sha256(content)))
    assert answer.status_code == 200
    assert answer["Upload-Length"] == str(len(content))
    return int(answer["Upload-Offset"])


def zipped(count: int) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as packed:
        for mark in range(count):
            packed.writestr(f"{mark}.png", png(picture(mark=mark)))
    return stream.getvalue()


@pytest.mark.django_db(transaction=True)
def test_pieces_become_one_image(visit: Visit, batch: Batch, tmp_path: Path) -> None:
    begun = begin(visit, batch)
    assert (begun.status_code, begun["Upload-Offset"], begun["Tus-Resumable"]) == (201, "0", "1.0.0")
    assert begun["Location"] == visit.address("batch-upload", batch.pk, sha256(CONTENT))
    assert begun["Upload-Expires"]
    first = send(visit, batch, 0, CONTENT[:HALF])
    assert (first.status_code, first["Upload-Offset"]) == (204, str(HALF))
    assert "Upload-Outcome" not in first
    assert offset_of(visit, batch) == HALF
    last = send(visit, batch, HALF, CONTENT[HALF:])
    assert (last["Upload-Offset"], last["Upload-Outcome"]) == (str(len(CONTENT)), "stored")
    link = batch.batch_images.get()
    assert link.name == "cam 1/ü.png"
    assert storage.original_path(sha256(CONTENT)).read_bytes() == CONTENT
    assert not PartialUpload.objects.exists()
    assert list((tmp_path / "partials").iterdir()) == []


def test_a_repeated_last_piece_counts_once(visit: Visit, batch: Batch) -> None:
    """The answer to it was lost on the way."""
    begin(visit, batch)
    send(visit, batch, 0, CONTENT)
    again = send(visit, batch, 0, CONTENT)
    assert (again.status_code, again["Upload-Offset"]) == (409, str(len(CONTENT)))
    assert offset_of(visit, batch) == len(CONTENT)
    told = visit.client.get(visit.address("batch-upload", batch.pk, sha256(CONTENT))).json()
    assert told == {"name": "cam 1/ü.png", "outcome": "stored", "reason": ""}
    assert begin(visit, batch)["Upload-Outcome"] == "stored"
    assert (batch.batch_images.count(), batch.skipped_files.count()) == (1, 0)


@pytest.mark.parametrize("offset", [0, HALF - 1, HALF + 1])
def test_a_piece_that_begins_elsewhere_changes_nothing(visit: Visit, batch: Batch, offset: int) -> None:
    begin(visit, batch)
    send(visit, batch, 0, CONTENT[:HALF])
    answer = send(visit, batch, offset, CONTENT[offset : offset + 5])
    assert (answer.status_code, answer["Upload-Offset"]) == (409, str(HALF))
    assert send(visit, batch, HALF, CONTENT[HALF:])["Upload-Outcome"] == "stored"


def test_more_than_the_file_has_is_refused(visit: Visit, batch: Batch) -> None:
    begin(visit, batch)
    assert send(visit, batch, 0, CONTENT + b"x").status_code == 409
    assert offset_of(visit, batch) == 0


def test_what_was_written_and_never_acknowledged_is_overwritten(visit: Visit, batch: Batch) -> None:
    """The server died between the disk and the database."""
    begin(visit, batch)
    send(visit, batch, 0, CONTENT[:HALF])
    path = partial_path(PartialUpload.objects.get())
    path.write_bytes(CONTENT[:HALF] + b"half a piece that nobody was told of")
    assert offset_of(visit, batch) == HALF
    assert send(visit, batch, HALF, CONTENT[HALF:])["Upload-Outcome"] == "stored"
    assert storage.original_path(sha256(CONTENT)).read_bytes() == CONTENT


def test_a_file_lost_with_its_disk_begins_anew(visit: Visit, batch: Batch) -> None:
    begin(visit, batch)
    send(visit, batch, 0, CONTENT[:HALF])
    partial_path(PartialUpload.objects.get()).unlink()
    assert offset_of(visit, batch) == 0
    assert send(visit, batch, 0, CONTENT)["Upload-Outcome"] == "stored"


def test_it_goes_on_from_another_computer_in_another_batch(visit: Visit, batch: Batch) -> None:
    begin(visit, batch)
    send(visit, batch, 0, CONTENT[:HALF])
    elsewhere = Batch.objects.create(project=visit.plant.project, name="Next day", created_by=visit.alice)
    assert begin(visit, elsewhere)["Upload-Offset"] == str(HALF)
    assert send(visit, elsewhere, HALF, CONTENT[HALF:])["Upload-Outcome"] == "stored"
    assert (elsewhere.batch_images.count(), batch.batch_images.count()) == (1, 0)
    assert begin(visit, batch)["Upload-Outcome"] == "linked"


def test_another_project_learns_nothing(visit: Visit, batch: Batch) -> None:
    begin(visit, batch)
    send(visit, batch, 0, CONTENT[:HALF])
    elsewhere = Batch.objects.exclude(project=visit.plant.project).get().project
    foreign = Batch.objects.create(project=elsewhere, name="Theirs")
    address = f"/p/{foreign.project.slug}/batches/{foreign.pk}/uploads"
    assert visit.outsider.head(f"{address}/{sha256(CONTENT)}").status_code == 404
    assert visit.outsider.post(address, headers=creation("a.png", CONTENT))["Upload-Offset"] == "0"
    assert visit.outsider.head(visit.address("batch-upload", batch.pk, sha256(CONTENT))).status_code == 404


def test_a_damaged_piece_is_not_kept(visit: Visit, batch: Batch) -> None:
    begin(visit, batch)
    answer = send(visit, batch, 0, CONTENT[:HALF], **{"Upload-Checksum": f"sha256 {base64_of(b'0' * 32)}"})
    assert answer.status_code == 460
    assert offset_of(visit, batch) == 0
    right = base64_of(bytes.fromhex(sha256(CONTENT[:HALF])))
    assert send(visit, batch, 0, CONTENT[:HALF], **{"Upload-Checksum": f"sha256 {right}"}).status_code == 204


def test_other_content_than_announced_is_thrown_away(visit: Visit, batch: Batch) -> None:
    begin(visit, batch)
    answer = send(visit, batch, 0, bytes(len(CONTENT)))
    assert answer.status_code == 460
    assert "changed while it was sent" in answer.json()["error"]["message"]
    assert not PartialUpload.objects.exists()
    assert not Image.objects.filter(sha256=sha256(CONTENT)).exists()
    assert begin(visit, batch)["Upload-Offset"] == "0"


def test_what_is_no_picture_is_listed_and_not_asked_for_again(visit: Visit, batch: Batch) -> None:
    content = b"no picture " * 50
    begin(visit, batch, content, "fake.jpg")
    assert send(visit, batch, 0, content, content)["Upload-Outcome"] == "rejected"
    assert "not an image" in batch.skipped_files.get().reason
    assert begin(visit, batch, content, "fake.jpg")["Upload-Outcome"] == "rejected"
    told = visit.client.get(visit.address("batch-upload", batch.pk, sha256(content))).json()
    assert "not an image" in told["reason"]


def test_a_zip_is_checked_by_the_worker_and_never_sent_twice(visit: Visit, batch: Batch) -> None:
    content = zipped(2)
    begin(visit, batch, content, "shift.zip")
    assert send(visit, batch, 0, content, content)["Upload-Outcome"] == "archive"
    unpack(Archive.objects.get().pk)
    assert batch.batch_images.count() == 2
    assert begin(visit, batch, content, "shift.zip")["Upload-Outcome"] == "archive"
    assert not Archive.objects.exists()


def test_a_zip_that_changed_on_its_way_is_listed(visit: Visit, batch: Batch) -> None:
    content, other = zipped(2), zipped(3)
    announced = creation("shift.zip", content) | {"Upload-Length": str(len(other))}
    visit.client.post(visit.address("batch-uploads", batch.pk), headers=announced)
    send(visit, batch, 0, other, content)
    unpack(Archive.objects.get().pk)
    assert batch.batch_images.count() == 0
    assert "changed while it was sent" in batch.skipped_files.get().reason
    assert begin(visit, batch, content, "shift.zip")["Upload-Offset"] == "0"


def test_too_large_or_no_room_is_said_before_anything_is_sent(visit: Visit, batch: Batch) -> None:
    headers = creation("huge.png", CONTENT) | {"Upload-Length": "900000000"}
    answer = visit.client.post(visit.address("batch-uploads", batch.pk), headers=headers)
    assert answer["Upload-Outcome"] == "rejected"
    assert batch.skipped_files.get().reason.startswith("has 900.0 MB")
    headers = creation("all.zip", b"zip") | {"Upload-Length": "49000000000000"}
    visit.client.post(visit.address("batch-uploads", batch.pk), headers=headers)
    assert "a ZIP may have 50 GB" in batch.skipped_files.get(name="all.zip").reason


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Tus-Resumable": "0.2.2"}, 412),
        ({"Upload-Length": "many"}, 400),
        ({"Upload-Metadata": "sha256 !"}, 400),
        ({"Upload-Metadata": f"sha256 {base64_of('XYZ')}"}, 400),
    ],
)
def test_says_what_it_expected(visit: Visit, batch: Batch, headers: dict[str, str], status: int) -> None:
    answer = visit.client.post(visit.address("batch-uploads", batch.pk), headers=creation("a.png", CONTENT) | headers)
    assert answer.status_code == status
    assert "Expected" in answer.json()["error"]["message"]
    assert not PartialUpload.objects.exists()


def test_a_piece_needs_its_type_and_an_upload(visit: Visit, batch: Batch) -> None:
    assert send(visit, batch, 0, CONTENT).status_code == 404
    begin(visit, batch)
    address = visit.address("batch-upload", batch.pk, sha256(CONTENT))
    assert visit.client.patch(address, CONTENT, content_type="image/png", headers=piece(0)).status_code == 415
    assert visit.client.options(visit.address("batch-uploads", batch.pk))["Tus-Version"] == "1.0.0"


def test_a_finished_batch_takes_no_more(visit: Visit, batch: Batch) -> None:
    begin(visit, batch)
    visit.client.post(visit.address("batch-seal", batch.pk))
    assert begin(visit, batch).status_code == 409
    assert send(visit, batch, 0, CONTENT).status_code == 409
    assert batch.batch_images.count() == 0


def test_what_nobody_goes_on_with_is_forgotten(visit: Visit, batch: Batch, settings: Any) -> None:
    settings.PIXELWISE_PARTIAL_UPLOAD_DAYS = 3
    begin(visit, batch)
    send(visit, batch, 0, CONTENT[:HALF])
    path = partial_path(PartialUpload.objects.get())
    assert remove_expired_partials(timezone.now() + timedelta(days=2)) == 0
    assert path.exists()
    assert remove_expired_partials(timezone.now() + timedelta(days=4)) == 1
    assert not path.exists()
    assert not PartialUpload.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_tabs_at_once_make_one_whole_file(visit: Visit, batch: Batch) -> None:
    content = CONTENT + bytes(4_000)
    begin(visit, batch, content)
    together, found = Barrier(2), []

    def tab() -> None:
        client = Client()
        client.force_login(visit.alice)
        address = visit.address("batch-upload", batch.pk, sha256(content))
        together.wait()
        for _ in range(200):
            offset = int(client.head(address)["Upload-Offset"])
            if offset == len(content):
                break
            answer = client.patch(
                address, content[offset : offset + 500], content_type=PIECE_TYPE, headers=piece(offset)
            )
            found.append(answer.status_code)
        connection.close()

    tabs = [Thread(target=tab) for _ in range(2)]
    for one in tabs:
        one.start()
    for one in tabs:
        one.join()
    assert found.count(204) == -(-len(content) // 500)
    assert set(found) <= {204, 409}
    assert batch.batch_images.count() == 1
    assert storage.original_path(sha256(content)).read_bytes() == content
