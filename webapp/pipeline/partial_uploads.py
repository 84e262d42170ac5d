"""Files that arrive in pieces: what is acknowledged is on disk, and the rest may come tomorrow from elsewhere.

A piece is taken only where the file ends so far, under a lock on its row; the row says no more than what is durable.
What lies beyond (a piece whose acknowledgement was never committed) is cut off before the next one is added.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from segmentation.pictures import too_large
from segmentation.video_files import ENDINGS
from webapp import storage
from webapp.models import ArrivedFile, Batch, BatchImage, PartialUpload
from webapp.pipeline.added_files import AddedFile, Outcome
from webapp.pipeline.linking import BatchSealedError, link_known
from webapp.pipeline.outages import is_of_the_machine
from webapp.pipeline.receive import (
    StreamedFile,
    arrived_before,
    clean_name,
    copy_hashed,
    is_archive,
    keep_archive,
    picture_limits,
    reject,
    store_files,
)
from webapp.stored_files import here

LARGEST_ARCHIVE_BYTES = 50_000_000_000
_SPARE_BYTES = 1_000_000_000
_ORPHAN_AFTER = timedelta(hours=1)


@dataclass(frozen=True)
class Arrival:
    """How far a file has come. `outcome` is None while bytes are missing; `added`: what the last bytes led to."""

    name: str
    size_bytes: int
    offset_bytes: int
    outcome: Outcome | None = None
    reason: str = ""
    added: AddedFile | None = None


class WrongOffsetError(Exception):
    """The piece does not begin where the file ends so far, at `offset_bytes`, or is longer than what is missing."""

    def __init__(self, offset_bytes: int) -> None:
        super().__init__(f"the file goes on at byte {offset_bytes:,}")
        self.offset_bytes = offset_bytes


class WrongContentError(Exception):
    """All bytes have come and are not the content that was announced; they are thrown away."""


def partial_path(partial: PartialUpload) -> Path:
    """On this machine's disk, wherever the store is."""
    return _folder() / f"{partial.project_id}-{partial.sha256}"


def state(batch: Batch, sha256: str) -> Arrival | None:
    """How far a file of a batch has come; None where nothing of it is here."""
    # Looked at first: one that is finished meanwhile is then found among those that have arrived.
    partial = PartialUpload.objects.filter(project=batch.project_id, sha256=sha256).first()
    link = BatchImage.objects.filter(batch=batch, image__sha256=sha256).select_related("image").first()
    if link is not None:
        size_bytes = link.image.size_bytes
        return Arrival(link.name, size_bytes, size_bytes, "linked" if link.was_known else "stored")
    arrived = ArrivedFile.objects.filter(batch=batch, sha256=sha256).first()
    if arrived is not None:
        met = arrived_before(arrived.name, arrived)
        return Arrival(met.name, arrived.size_bytes, arrived.size_bytes, met.outcome, met.reason)
    return _arrival(partial) if partial is not None else None


def begin(batch: Batch, name: str, sha256: str, size_bytes: int) -> Arrival:
    """Be ready for a file, or go on with one. What the project has already is linked, what it cannot take refused.

    OSError (ENOSPC) where the disk has no room for it; BatchSealedError where nobody waits for files any more.
    """
    if batch.sealed_at is not None:
        raise BatchSealedError(batch.name)
    name = clean_name(name)
    known = link_known(batch, [(name, sha256)])[0]
    if known is not None:
        return Arrival(name, size_bytes, size_bytes, known.outcome, known.reason, known)
    found = state(batch, sha256)
    if found is not None and found.outcome is not None:
        return found
    reason = _refusal(name, size_bytes)
    if reason:
        return Arrival(name, size_bytes, size_bytes, "rejected", reason, reject(batch, name, reason))
    _require_room(size_bytes - (found.offset_bytes if found else 0))
    partial, _ = PartialUpload.objects.update_or_create(
        project_id=batch.project_id,
        sha256=sha256,
        defaults={"batch": batch, "name": name},
        create_defaults={"batch": batch, "name": name, "size_bytes": size_bytes},
    )
    if partial.size_bytes != size_bytes:
        # One content has one length: whoever announced another was wrong, and what came of it is worth nothing.
        partial.size_bytes, partial.offset_bytes = size_bytes, 0
        partial.save(update_fields=["size_bytes", "offset_bytes", "updated_at"])
    return _arrival(partial)


def append(batch: Batch, sha256: str, offset_bytes: int, piece: Path) -> Arrival:
    """Add a piece; the last one makes the file a member of the batch, or lists it with a reason.

    LookupError where no such upload was begun; WrongOffsetError, WrongContentError, BatchSealedError.
    """
    try:
        with transaction.atomic():
            partial = PartialUpload.objects.select_for_update().filter(project=batch.project_id, sha256=sha256).first()
            if partial is None:
                return _no_more_to_add(batch, sha256, offset_bytes, piece)
            size_bytes = piece.stat().st_size
            if offset_bytes != _durable_bytes(partial) or offset_bytes + size_bytes > partial.size_bytes:
                raise WrongOffsetError(_durable_bytes(partial))
            _write(partial_path(partial), offset_bytes, piece)
            partial.batch, partial.offset_bytes = batch, offset_bytes + size_bytes
            partial.save(update_fields=["batch", "offset_bytes", "updated_at"])
            return _arrival(partial) if partial.offset_bytes < partial.size_bytes else _finish(batch, partial)
    except WrongContentError:
        _forget(batch.project_id, sha256)
        raise


def remove_expired_partials(now: datetime) -> int:
    """Forget half-sent files that nobody went on with for `PIXELWISE_PARTIAL_UPLOAD_DAYS`; returns how many."""
    oldest = now - timedelta(days=settings.PIXELWISE_PARTIAL_UPLOAD_DAYS)
    count = 0
    for partial in PartialUpload.objects.filter(updated_at__lt=oldest):
        with transaction.atomic():
            locked = PartialUpload.objects.select_for_update(skip_locked=True).filter(
                pk=partial.pk, updated_at__lt=oldest
            )
            if locked.first() is not None:
                partial_path(partial).unlink(missing_ok=True)
                partial.delete()
                count += 1
    _remove_orphans(now)
    return count


def _arrival(partial: PartialUpload) -> Arrival:
    return Arrival(partial.name, partial.size_bytes, _durable_bytes(partial))


def _durable_bytes(partial: PartialUpload) -> int:
    """What of it is really there: nothing where the file was lost with a disk or left out of a backup."""
    try:
        return partial.offset_bytes if partial_path(partial).stat().st_size >= partial.offset_bytes else 0
    except FileNotFoundError:
        return 0


def _refusal(name: str, size_bytes: int) -> str | None:
    if not name.lower().endswith((".zip", *ENDINGS)):
        return too_large(size_bytes, picture_limits())
    if size_bytes > LARGEST_ARCHIVE_BYTES:
        return f"has {size_bytes / 1e9:.0f} GB; a ZIP may have {LARGEST_ARCHIVE_BYTES / 1e9:.0f} GB"
    return None


def _require_room(size_bytes: int) -> None:
    free = shutil.disk_usage(_folder()).free
    if size_bytes + _SPARE_BYTES > free:
        raise OSError(errno.ENOSPC, f"{size_bytes / 1e9:.1f} GB are to come, {free / 1e9:.1f} GB are free")


def _no_more_to_add(batch: Batch, sha256: str, offset_bytes: int, piece: Path) -> Arrival:
    found = state(batch, sha256)
    if found is None:
        raise LookupError(sha256)
    if offset_bytes != found.offset_bytes or piece.stat().st_size:
        raise WrongOffsetError(found.offset_bytes)
    return found


def _write(path: Path, offset_bytes: int, piece: Path) -> None:
    path.touch(0o640)
    if path.stat().st_nlink > 1:
        _part_from_its_other_name(path, offset_bytes)
    with path.open("r+b") as target, piece.open("rb") as source:
        target.truncate(offset_bytes)
        target.seek(offset_bytes)
        shutil.copyfileobj(source, target, 1 << 20)
        target.flush()
        os.fsync(target.fileno())


def _part_from_its_other_name(path: Path, offset_bytes: int) -> None:
    """A server died when the file was whole: the store may have it by now, and nothing is written into that."""
    with storage.temporary_file() as copy, path.open("rb") as file:
        copy_hashed(file, copy, offset_bytes)
        Path(copy.name).chmod(0o640)
        Path(copy.name).replace(path)


def _finish(batch: Batch, partial: PartialUpload) -> Arrival:
    """The file is whole. A ZIP is compared with its hash by the worker that unpacks it: that may take minutes."""
    path = partial_path(partial)
    is_zip_or_video = is_archive(partial.name, path)
    if not is_zip_or_video and _sha256(path) != partial.sha256:
        raise WrongContentError(partial.name)
    with _second_name(path) as second:
        file = StreamedFile(partial.name, second, partial.sha256, partial.size_bytes)
        if is_zip_or_video:
            added = keep_archive(batch, partial.name, file, is_verified=False)
        else:
            added = store_files(batch, [file], allow_archive=False)[0]
    partial.delete()
    transaction.on_commit(lambda: path.unlink(missing_ok=True))
    return Arrival(partial.name, file.size_bytes, file.size_bytes, added.outcome, added.reason, added)


@contextmanager
def _second_name(path: Path) -> Iterator[Path]:
    """A name of the file to move into the store: a server that dies before its row is there still has the other.

    The file's own name where the disk knows no second one.
    """
    with tempfile.TemporaryDirectory(dir=storage.temporary_folder()) as folder:
        second = Path(folder) / "whole"
        try:
            second.hardlink_to(path)
        except OSError as error:
            if is_of_the_machine(error):
                raise
            second = path
        yield second


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _forget(project_id: int, sha256: str) -> None:
    for partial in PartialUpload.objects.filter(project=project_id, sha256=sha256):
        partial_path(partial).unlink(missing_ok=True)
        partial.delete()


def _remove_orphans(now: datetime) -> None:
    """Files whose row went with its project."""
    held = {partial_path(partial).name for partial in PartialUpload.objects.all()}
    for path in _folder().iterdir():
        try:
            changed_at = datetime.fromtimestamp(path.stat().st_mtime, tz=timezone.get_current_timezone())
        except FileNotFoundError:
            continue
        if path.name not in held and changed_at < now - _ORPHAN_AFTER:
            path.unlink(missing_ok=True)


def _folder() -> Path:
    path = here() / "partials"
    path.mkdir(parents=True, exist_ok=True)
    return path
