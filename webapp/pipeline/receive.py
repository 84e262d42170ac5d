"""One arriving file: to disk while it is hashed, looked at, then linked into its batch, once."""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Literal

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from segmentation.pictures import PictureError, PictureFacts, PictureLimits, inspect_picture
from webapp import storage
from webapp.models import Archive, Batch, BatchImage, Image, Prediction, Run, SkippedFile
from webapp.pipeline.queueing import queue_images, running_run

_BLOCK_BYTES = 1 << 20
_NAME_LIMIT = 500

Outcome = Literal["stored", "linked", "repeated", "rejected", "archive"]


@dataclass(frozen=True)
class AddedFile:
    """What became of one file. `reason` is in words where it was not stored; `wake_run_id`: a run with new work."""

    name: str
    outcome: Outcome
    reason: str = ""
    image_id: int | None = None
    archive_id: int | None = None
    wake_run_id: int | None = None


def clean_name(name: str) -> str:
    """A file's name with its sub-folders: forward slashes, no control characters, nothing that climbs out.

    Names over the limit keep their end, which tells files apart.
    """
    printable = "".join(letter for letter in name.replace("\\", "/") if letter.isprintable())
    parts = [part.strip() for part in printable.split("/")]
    kept = "/".join(part for part in parts if part not in ("", ".", ".."))
    return kept[-_NAME_LIMIT:] or "unnamed"


def picture_limits() -> PictureLimits:
    return PictureLimits(max_bytes=settings.PIXELWISE_MAX_FILE_MB * 1_000_000, max_pixels=settings.PIXELWISE_MAX_PIXELS)


def receive_file(batch: Batch, name: str, stream: IO[bytes], *, allow_archive: bool = True) -> AddedFile:
    """Store one file of an upload. Bad content is an outcome, never an exception."""
    name = clean_name(name)
    with storage.temporary_file() as file:
        sha256, size_bytes = copy_hashed(stream, file)
        path = Path(file.name)
        if allow_archive and _is_archive(name, path):
            return _keep_archive(batch, name, path)
        try:
            facts = inspect_picture(path, limits=picture_limits())
        except PictureError as error:
            return reject(batch, name, str(error))
        target = storage.original_path(sha256)
        if not target.exists():
            storage.move_into_place(path, target)
        return _link(batch, name, sha256, size_bytes, facts)


def reject(batch: Batch, name: str, reason: str) -> AddedFile:
    SkippedFile.objects.get_or_create(
        batch=batch, name=name, kind=SkippedFile.Kind.REJECTED, defaults={"reason": reason[:500]}
    )
    return AddedFile(name, "rejected", reason)


@transaction.atomic
def link_image(batch: Batch, name: str, image: Image, *, was_known: bool) -> AddedFile:
    """Make a stored image a member of the batch and queue it where a run is going on."""
    link, is_new = BatchImage.objects.get_or_create(
        batch=batch, image=image, defaults={"name": name, "was_known": was_known}
    )
    if not is_new:
        if link.name == name:
            return AddedFile(name, "linked" if link.was_known else "stored", image_id=image.pk)
        reason = f"the same image as {link.name}"
        SkippedFile.objects.get_or_create(
            batch=batch, name=name, kind=SkippedFile.Kind.REPEATED, defaults={"reason": reason[:500]}
        )
        return AddedFile(name, "repeated", reason, image_id=image.pk)
    run = running_run(batch, user=batch.created_by)
    wake = run is not None and queue_images(run, [image.pk]) > 0 and _is_only_one_queued(run)
    return AddedFile(
        name,
        "linked" if was_known else "stored",
        image_id=image.pk,
        wake_run_id=run.pk if run is not None and wake else None,
    )


def copy_hashed(stream: IO[bytes], target: IO[bytes]) -> tuple[str, int]:
    """Copy a stream block by block; returns its SHA-256 in hex and its length in bytes."""
    digest, size_bytes = hashlib.sha256(), 0
    while block := stream.read(_BLOCK_BYTES):
        digest.update(block)
        target.write(block)
        size_bytes += len(block)
    target.flush()
    return digest.hexdigest(), size_bytes


def _is_archive(name: str, path: Path) -> bool:
    return name.lower().endswith(".zip") and zipfile.is_zipfile(path)


def _keep_archive(batch: Batch, name: str, path: Path) -> AddedFile:
    # The clock looks for archives all the time: it must not see one before its file is there.
    with transaction.atomic():
        archive = Archive.objects.create(batch=batch, name=name, path="")
        archive.path = f"{archive.pk}.zip"
        storage.move_into_place(path, storage.archive_path(archive.path))
        archive.save(update_fields=["path"])
    return AddedFile(name, "archive", archive_id=archive.pk)


def _link(batch: Batch, name: str, sha256: str, size_bytes: int, facts: PictureFacts) -> AddedFile:
    captured_at, captured_at_from = _capture_time(batch, facts)
    image, is_new = Image.objects.get_or_create(
        project_id=batch.project_id,
        sha256=sha256,
        defaults={
            **picture_columns(name, size_bytes, facts),
            "source_id": batch.source_id,
            "captured_at": captured_at,
            "captured_at_from": captured_at_from,
        },
    )
    if not is_new:
        place_unplaced(batch, image, facts)
    return link_image(batch, name, image, was_known=not is_new)


def picture_columns(name: str, size_bytes: int, facts: PictureFacts) -> dict[str, Any]:
    """Columns of an Image that its file alone decides."""
    return {
        "name": name,
        "format": facts.format,
        "size_bytes": size_bytes,
        "width_px": facts.width,
        "height_px": facts.height,
        "latitude": facts.latitude,
        "longitude": facts.longitude,
    }


def place_unplaced(batch: Batch, image: Image, facts: PictureFacts | None = None) -> None:
    """An image known only from a data set takes its source and time from the first batch it comes with."""
    if image.batch_images.exists() or image.predictions.exists():
        return
    image.source_id = batch.source_id
    if facts is not None:
        image.captured_at, image.captured_at_from = _capture_time(batch, facts)
    elif batch.captured_at is not None:
        image.captured_at, image.captured_at_from = batch.captured_at, Image.TimeSource.GIVEN
    elif image.captured_at_from != Image.TimeSource.EXIF:
        image.captured_at, image.captured_at_from = timezone.now(), Image.TimeSource.UPLOAD
    image.save(update_fields=["source", "captured_at", "captured_at_from"])


def _capture_time(batch: Batch, facts: PictureFacts) -> tuple[datetime, str]:
    if batch.captured_at is not None:
        return batch.captured_at, Image.TimeSource.GIVEN
    return time_of(facts)


def time_of(facts: PictureFacts) -> tuple[datetime, str]:
    """When a picture was captured, and how that is known. A camera's bare clock is read in the installation's zone."""
    if facts.captured_at is None:
        return timezone.now(), Image.TimeSource.UPLOAD
    if timezone.is_naive(facts.captured_at):
        return timezone.make_aware(facts.captured_at), Image.TimeSource.EXIF
    return facts.captured_at, Image.TimeSource.EXIF


def _is_only_one_queued(run: Run) -> bool:
    """Only the first waiting image calls a worker; the others are found by the worker that came."""
    return len(run.predictions.filter(state=Prediction.State.QUEUED)[:2]) == 1
