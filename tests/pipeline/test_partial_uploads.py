"""A server that is killed between the last piece and its commit: what was acknowledged is still there."""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.images import picture, png
from webapp import storage
from webapp.actions.upload import add_file, begin_file, file_state, open_batch
from webapp.models import Archive, Batch, PartialUpload, Project
from webapp.pipeline import partial_uploads
from webapp.pipeline.partial_uploads import WrongContentError, append, partial_path
from webapp.pipeline.unpack import unpack

pytestmark = pytest.mark.django_db

PHOTO = png(picture(red=0.3, mark=5))


class Killed(BaseException):
    """What a killed server leaves: nothing after it is done."""


@pytest.fixture
def batch(project: Project) -> Batch:
    return open_batch(project=project, user=None)


def zipped() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as packed:
        for mark in range(3):
            packed.writestr(f"{mark}.png", png(picture(mark=mark)))
    return stream.getvalue()


def sha256_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def sent(batch: Batch, folder: Path, content: bytes, start: int, part: bytes) -> Any:
    piece = folder / "piece"
    piece.write_bytes(part)
    return append(batch, sha256_of(content), start, piece)


def killed_at_the_end(
    batch: Batch, folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: bytes
) -> PartialUpload:
    """All but ten bytes are acknowledged; the server dies over the last ones, with the file in the store."""
    begin_file(batch=batch, name=name, sha256=sha256_of(content), size_bytes=len(content))
    sent(batch, folder, content, 0, content[:-10])
    finish = partial_uploads._finish

    def dying(*given: Any) -> Any:
        finish(*given)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(partial_uploads, "_finish", dying)
        with pytest.raises(Killed):
            sent(batch, folder, content, len(content) - 10, content[-10:])
    return PartialUpload.objects.get()


@pytest.mark.parametrize("has_hard_links", [True, False])
def test_a_zip_is_whole_with_its_last_piece_sent_again(
    batch: Batch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_hard_links: bool
) -> None:
    content = zipped()
    if not has_hard_links:

        def refused(*given: Any, **options: Any) -> None:
            raise OSError(1, "Operation not permitted")

        monkeypatch.setattr(os, "link", refused)
    killed_at_the_end(batch, tmp_path, monkeypatch, "shift.zip", content)
    state = file_state(batch=batch, sha256=sha256_of(content))
    assert state is not None
    expected = len(content) - 10 if has_hard_links else 0
    assert (state.outcome, state.offset_bytes) == (None, expected)
    last = sent(batch, tmp_path, content, expected, content[expected:])
    assert last.outcome == "archive"
    unpack(Archive.objects.get().pk)
    assert batch.images.count() == 3
    assert not batch.skipped_files.exists()


def test_a_photo_is_whole_with_its_last_piece_sent_again(
    batch: Batch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    partial = killed_at_the_end(batch, tmp_path, monkeypatch, "a.png", PHOTO)
    with django_capture_on_commit_callbacks(execute=True):
        last = sent(batch, tmp_path, PHOTO, len(PHOTO) - 10, PHOTO[-10:])
    assert last.outcome == "stored"
    assert storage.original_path(sha256_of(PHOTO)).read_bytes() == PHOTO
    assert not partial_path(partial).exists()


def test_nothing_is_written_into_what_the_store_has_by_now(
    batch: Batch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another project sent the same photo meanwhile and leans on the file that the killed server left."""
    killed_at_the_end(batch, tmp_path, monkeypatch, "a.png", PHOTO)
    other = Project.objects.create(workspace=batch.project.workspace, name="Other", slug="other")
    theirs = open_batch(project=other, user=None)
    assert add_file(batch=theirs, name="a.png", stream=io.BytesIO(PHOTO)).outcome == "stored"
    with pytest.raises(WrongContentError):
        sent(batch, tmp_path, PHOTO, len(PHOTO) - 10, b"0123456789")
    assert storage.original_path(theirs.images.get().sha256).read_bytes() == PHOTO
