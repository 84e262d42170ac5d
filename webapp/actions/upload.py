"""Photos in: open a batch, add files whole or in pieces, seal it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import IO

from django.utils import timezone

from segmentation.pictures import too_large
from webapp.actions.privacy import blur_of
from webapp.models import Batch, Project, Run, Source, User
from webapp.pipeline import partial_uploads
from webapp.pipeline.added_files import AddedFile
from webapp.pipeline.announced import announce, list_missing
from webapp.pipeline.linking import BatchSealedError, link_known
from webapp.pipeline.partial_uploads import Arrival, WrongContentError, WrongOffsetError
from webapp.pipeline.queueing import finish_complete_runs, seal
from webapp.pipeline.receive import (
    StreamedFile,
    arrived_before,
    clean_name,
    picture_limits,
    receive_file,
    receive_files,
    reject,
    store_files,
)
from webapp.tasks import UNPACKING, queue_on_commit, segment_run

__all__ = [
    "AddedFile",
    "Arrival",
    "BatchSealedError",
    "ManifestFile",
    "StreamedFile",
    "WrongContentError",
    "WrongOffsetError",
    "add_file",
    "add_files",
    "add_piece",
    "announce_files",
    "begin_file",
    "file_state",
    "known_files",
    "open_batch",
    "reject_unsent",
    "seal_batch",
    "upload_batch",
]


@dataclass(frozen=True)
class ManifestFile:
    """A file somebody is about to send: its name with sub-folders and its SHA-256 in lower-case hex."""

    name: str
    sha256: str


def open_batch(
    *,
    project: Project,
    user: User | None,
    name: str = "",
    source: Source | None = None,
    captured_at: datetime | None = None,
    frame_seconds: float = 1.0,
    blur_people: bool | None = None,
) -> Batch:
    """A new, empty batch. ValueError where the source is another project's.

    Of its videos one frame is kept every `frame_seconds`. `blur_people`: see `webapp.actions.privacy.blur_of`.
    """
    if source is not None and source.project_id != project.pk:
        raise ValueError(f"source {source} belongs to another project")
    name = name.strip() or timezone.localtime().strftime("%-d %B %Y, %H:%M")
    return Batch.objects.create(
        project=project,
        source=source,
        name=name[:200],
        captured_at=captured_at,
        frame_seconds=frame_seconds,
        blur=blur_of(project=project, blur_people=blur_people),
        created_by=user,
    )


def announce_files(*, batch: Batch, files: Sequence[tuple[str, int]]) -> None:
    """(name, size in bytes) of files that are going to be sent: until they come, the batch names them as missing."""
    announce(batch, files)


def known_files(*, batch: Batch, files: Sequence[ManifestFile]) -> list[AddedFile]:
    """Those of the files that need no upload, by the names given, and what became of each.

    Content that the project holds is linked here; what this batch has met before as an archive, or refused, would
    meet the same end.
    """
    linked = link_known(batch, [(clean_name(file.name), file.sha256) for file in files])
    _wake([one for one in linked if one is not None])
    arrived = {row.sha256: row for row in batch.arrived_files.filter(sha256__in=[file.sha256 for file in files])}
    known = []
    for file, added in zip(files, linked, strict=True):
        if added is not None:
            known.append(replace(added, name=file.name))
        elif file.sha256 in arrived:
            known.append(arrived_before(file.name, arrived[file.sha256]))
    return known


def add_file(*, batch: Batch, name: str, stream: IO[bytes]) -> AddedFile:
    """Store one file, or link it where the project has it. Bad content is an outcome, not an exception."""
    added = receive_file(batch, name, stream)
    _wake([added])
    return added


def add_files(*, batch: Batch, files: Sequence[StreamedFile]) -> list[AddedFile]:
    """The same for a group of files that lie on our disk, in the time of few; outcomes in the same order."""
    added = store_files(batch, files)
    _wake(added)
    return added


def begin_file(*, batch: Batch, name: str, sha256: str, size_bytes: int) -> Arrival:
    """Begin a file that comes in pieces, or go on with it. See `webapp.pipeline.partial_uploads` for what it raises."""
    return _woken(partial_uploads.begin(batch, name, sha256, size_bytes))


def add_piece(*, batch: Batch, sha256: str, offset_bytes: int, piece: Path) -> Arrival:
    """One more piece of it, durable when this returns."""
    return _woken(partial_uploads.append(batch, sha256, offset_bytes, piece))


def file_state(*, batch: Batch, sha256: str) -> Arrival | None:
    """How far a file of the batch has come; None where nothing of it is here."""
    return partial_uploads.state(batch, sha256)


def reject_unsent(*, batch: Batch, name: str, size_bytes: int) -> AddedFile | None:
    """List a file that a browser did not send because it is too large; None where its size would be accepted."""
    reason = too_large(size_bytes, picture_limits())
    return reject(batch, clean_name(name), reason) if reason else None


def seal_batch(*, batch: Batch) -> None:
    """No more files will come. A batch of a project without a model waits for one."""
    if batch.sealed_at is None:
        list_missing(batch)
    run = seal(batch)
    if run is not None:
        queue_on_commit(segment_run, run.pk)
    finish_complete_runs(list(Run.objects.filter(batch=batch).values_list("pk", flat=True)))


def upload_batch(
    *,
    project: Project,
    user: User | None,
    files: Iterable[tuple[str, IO[bytes]]],
    name: str = "",
    source: Source | None = None,
    captured_at: datetime | None = None,
    frame_seconds: float = 1.0,
    blur_people: bool | None = None,
) -> Batch:
    """A whole batch at once: (name, stream) pairs in, a sealed batch out.

    Where the disk fills midway the OSError goes on, and what was stored until then is a batch of its own.
    """
    batch = open_batch(
        project=project,
        user=user,
        name=name,
        source=source,
        captured_at=captured_at,
        frame_seconds=frame_seconds,
        blur_people=blur_people,
    )
    try:
        for added in receive_files(batch, files):
            _wake([added])
    finally:
        seal_batch(batch=batch)
    return batch


def _woken(arrival: Arrival) -> Arrival:
    if arrival.added is not None:
        _wake([arrival.added])
    return arrival


def _wake(added: Iterable[AddedFile]) -> None:
    for one in added:
        if one.wake_run_id is not None:
            queue_on_commit(segment_run, one.wake_run_id)
        if one.archive_id is not None:
            queue_on_commit(UNPACKING[one.unpacking], one.archive_id)
