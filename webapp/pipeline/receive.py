"""Arriving files: to disk while they are hashed, looked at, then linked into their batch, once."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from django.conf import settings
from django.db import transaction

from segmentation.file_kinds import looks_like
from segmentation.pictures import PictureError, PictureLimits, inspect_picture
from segmentation.video import VideoError, inspect_video
from segmentation.video_files import ENDINGS, video_kind
from webapp import storage
from webapp.models import Archive, ArrivedFile, Batch, SkippedFile
from webapp.pipeline.added_files import AddedFile, Unpacking
from webapp.pipeline.contents import hold_content
from webapp.pipeline.linking import CheckedPicture, link_pictures
from webapp.stored_groups import move_all_into_place

_BLOCK_BYTES = 1 << 20
_NAME_LIMIT = 500
GROUP_FILES = 32
GROUP_BYTES = 64_000_000


@dataclass(frozen=True)
class StreamedFile:
    """A file that has arrived whole on our disk; its content is not looked at yet.

    `name` as the sender wrote it; `sha256` in lower-case hex. Whoever made the file removes it, unless it was moved.
    """

    name: str
    path: Path
    sha256: str
    size_bytes: int


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
    with storage.temporary_file() as file:
        sha256, size_bytes = copy_hashed(stream, file)
        arrived = StreamedFile(name, Path(file.name), sha256, size_bytes)
        return store_files(batch, [arrived], allow_archive=allow_archive)[0]


def receive_files(
    batch: Batch, files: Iterable[tuple[str, IO[bytes]]], *, allow_archive: bool = True
) -> Iterator[AddedFile]:
    """The same for many (name, stream) pairs, which are stored group by group; what became of each, in order."""
    with ExitStack() as kept:
        group: list[StreamedFile] = []
        for name, stream in files:
            file = kept.enter_context(storage.temporary_file())
            sha256, size_bytes = copy_hashed(stream, file)
            file.close()
            group.append(StreamedFile(name, Path(file.name), sha256, size_bytes))
            if len(group) == GROUP_FILES or sum(one.size_bytes for one in group) > GROUP_BYTES:
                yield from store_files(batch, group, allow_archive=allow_archive)
                group.clear()
                kept.pop_all().close()
        yield from store_files(batch, group, allow_archive=allow_archive)


def store_files(batch: Batch, files: Sequence[StreamedFile], *, allow_archive: bool = True) -> list[AddedFile]:
    """Check, store and link a group of files: one flush to disk and one short transaction for all of them.

    What became of each, in the order given. Bad content is an outcome, never an exception. BatchSealedError where
    nobody waits for pictures any more: the batch then has nothing of the group, but its files may have been moved.
    """
    names = [clean_name(file.name) for file in files]
    pictures: dict[int, CheckedPicture] = {}
    archives: list[int] = []
    reasons: dict[int, str] = {}
    for place, file in enumerate(files):
        if allow_archive and is_archive(names[place], file.path):
            archives.append(place)
            continue
        try:
            facts = inspect_picture(file.path, limits=picture_limits())
        except PictureError as error:
            reasons[place] = str(error)
        else:
            pictures[place] = CheckedPicture(names[place], file.sha256, file.size_bytes, facts)
    outcomes = _keep_pictures(batch, files, pictures) if pictures else {}
    for place in archives:
        outcomes[place] = keep_archive(batch, names[place], files[place])
    for place, reason in reasons.items():
        outcomes[place] = reject(batch, names[place], reason)
        note_arrival(batch, names[place], files[place], ArrivedFile.Outcome.REJECTED, reason)
    return [outcomes[place] for place in range(len(files))]


def _keep_pictures(
    batch: Batch, files: Sequence[StreamedFile], pictures: Mapping[int, CheckedPicture]
) -> dict[int, AddedFile]:
    """Into the store and the batch. The transaction spans both: nobody may remove a file before its row is there."""
    with transaction.atomic():
        hold_content([picture.sha256 for picture in pictures.values()])
        move_all_into_place([(files[place].path, storage.original_path(files[place].sha256)) for place in pictures])
        return dict(zip(pictures, link_pictures(batch, list(pictures.values())), strict=True))


def reject(batch: Batch, name: str, reason: str) -> AddedFile:
    SkippedFile.objects.get_or_create(
        batch=batch, name=name, kind=SkippedFile.Kind.REJECTED, defaults={"reason": reason[:500]}
    )
    return AddedFile(name, "rejected", reason)


def is_archive(name: str, path: Path) -> bool:
    """Whether a worker takes it apart: a ZIP, a video, or what only says it is a video, to be told why it is none."""
    return (name.lower().endswith(".zip") and zipfile.is_zipfile(path)) or _is_video(name, path)


def _is_video(name: str, path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(1024)
    return bool(video_kind(head)) or (name.lower().endswith(ENDINGS) and not looks_like(head).is_accepted)


def keep_archive(batch: Batch, name: str, file: StreamedFile, *, is_verified: bool = True) -> AddedFile:
    """Keep a ZIP or a video for a worker. `is_verified`: nobody need compare a ZIP's content with its hash any more."""
    kind, sha256 = Archive.Kind.ZIP, "" if is_verified else file.sha256
    if _is_video(name, file.path):
        kind, sha256 = Archive.Kind.VIDEO, file.sha256
        try:
            inspect_video(file.path)
        except VideoError as error:
            note_arrival(batch, name, file, ArrivedFile.Outcome.REJECTED, str(error))
            return reject(batch, name, str(error))
    # The clock looks for archives all the time: it must not see one before its file is there.
    with transaction.atomic():
        archive = Archive.objects.create(batch=batch, name=name, path="", kind=kind, sha256=sha256)
        archive.path = f"{archive.pk}.{kind}"
        storage.move_into_place(file.path, storage.archive_path(archive.path))
        archive.save(update_fields=["path"])
        note_arrival(batch, name, file, ArrivedFile.Outcome.ARCHIVE)
    return AddedFile(name, "archive", archive_id=archive.pk, unpacking=unpacking_of(batch, kind))


def unpacking_of(batch: Batch, kind: str) -> Unpacking:
    """What takes an archive apart."""
    if kind == Archive.Kind.ZIP:
        return "zip"
    return "video" if batch.blur == Batch.Blur.NONE else "blurred-video"


def copy_hashed(stream: IO[bytes], target: IO[bytes], size_bytes: int | None = None) -> tuple[str, int]:
    """Copy a stream block by block, at most `size_bytes` of it; returns its SHA-256 in hex and its length in bytes."""
    digest, copied = hashlib.sha256(), 0
    while size_bytes is None or copied < size_bytes:
        block = stream.read(_BLOCK_BYTES if size_bytes is None else min(_BLOCK_BYTES, size_bytes - copied))
        if not block:
            break
        digest.update(block)
        target.write(block)
        copied += len(block)
    target.flush()
    return digest.hexdigest(), copied


def arrived_before(name: str, row: ArrivedFile) -> AddedFile:
    """What became of content that the batch has met."""
    return AddedFile(name, "archive" if row.outcome == ArrivedFile.Outcome.ARCHIVE else "rejected", row.reason)


def note_arrival(batch: Batch, name: str, file: StreamedFile, outcome: str, reason: str = "") -> None:
    """Remember content that became no image by itself: it need not be sent again to meet the same end."""
    told = {"name": name, "size_bytes": file.size_bytes, "outcome": outcome, "reason": reason[:500]}
    ArrivedFile.objects.update_or_create(batch=batch, sha256=file.sha256, defaults=told)
