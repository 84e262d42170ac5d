"""Photos in: open a batch, add files, seal it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import IO

from django.utils import timezone

from segmentation.pictures import too_large
from webapp.models import Batch, Image, Project, Run, Source, User
from webapp.pipeline.queueing import finish_complete_runs, seal
from webapp.pipeline.receive import (
    AddedFile,
    clean_name,
    link_image,
    picture_limits,
    place_unplaced,
    receive_file,
    reject,
)
from webapp.tasks import queue_on_commit, segment_run, unpack_archive

__all__ = [
    "AddedFile",
    "ManifestFile",
    "add_file",
    "link_known",
    "open_batch",
    "reject_unsent",
    "seal_batch",
    "upload_batch",
]


@dataclass(frozen=True)
class ManifestFile:
    """A file a browser is about to send: its name with sub-folders and its SHA-256 in lower-case hex."""

    name: str
    sha256: str


def open_batch(
    *,
    project: Project,
    user: User | None,
    name: str = "",
    source: Source | None = None,
    captured_at: datetime | None = None,
) -> Batch:
    """A new, empty batch. ValueError where the source is another project's."""
    if source is not None and source.project_id != project.pk:
        raise ValueError(f"source {source} belongs to another project")
    name = name.strip() or timezone.localtime().strftime("%-d %B %Y, %H:%M")
    return Batch.objects.create(
        project=project, source=source, name=name[:200], captured_at=captured_at, created_by=user
    )


def link_known(*, batch: Batch, files: Sequence[ManifestFile]) -> list[str]:
    """Link the files whose content the project already holds; returns their names: they need no upload."""
    wanted = {file.sha256 for file in files}
    known = {image.sha256: image for image in Image.objects.filter(project=batch.project_id, sha256__in=wanted)}
    linked = []
    for file in files:
        image = known.get(file.sha256)
        if image is None:
            continue
        place_unplaced(batch, image)
        _wake(link_image(batch, clean_name(file.name), image, was_known=True))
        linked.append(file.name)
    return linked


def add_file(*, batch: Batch, name: str, stream: IO[bytes]) -> AddedFile:
    """Store one file, or link it where the project has it. Bad content is an outcome, not an exception."""
    added = receive_file(batch, name, stream)
    _wake(added)
    return added


def reject_unsent(*, batch: Batch, name: str, size_bytes: int) -> AddedFile | None:
    """List a file that a browser did not send because it is too large; None where its size would be accepted."""
    reason = too_large(size_bytes, picture_limits())
    return reject(batch, clean_name(name), reason) if reason else None


def seal_batch(*, batch: Batch) -> None:
    """No more files will come. A batch of a project without a model waits for one."""
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
) -> Batch:
    """A whole batch at once: (name, stream) pairs in, a sealed batch out.

    Where the disk fills midway the OSError goes on, and what was stored until then is a batch of its own.
    """
    batch = open_batch(project=project, user=user, name=name, source=source, captured_at=captured_at)
    try:
        for file_name, stream in files:
            add_file(batch=batch, name=file_name, stream=stream)
    finally:
        seal_batch(batch=batch)
    return batch


def _wake(added: AddedFile) -> None:
    if added.wake_run_id is not None:
        queue_on_commit(segment_run, added.wake_run_id)
    if added.archive_id is not None:
        queue_on_commit(unpack_archive, added.archive_id)
