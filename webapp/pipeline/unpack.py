"""A ZIP of pictures, unpacked by a worker under limits on count, size, ratio, depth and names.

Memory stays flat whatever is in it: members go to disk block by block, in groups that are stored together.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import InterfaceError, OperationalError

from segmentation.pictures import too_large
from webapp import storage
from webapp.models import Archive, ArrivedFile
from webapp.pipeline.archives import ArchiveError, is_hidden, opened_archive, refusal, told_in_words
from webapp.pipeline.one_worker import only_one
from webapp.pipeline.outages import is_of_the_machine, once_it_answers
from webapp.pipeline.receive import (
    GROUP_BYTES,
    GROUP_FILES,
    StreamedFile,
    clean_name,
    copy_hashed,
    picture_limits,
    reject,
    store_files,
)

MAX_FILES = 50_000
MAX_TOTAL_BYTES = 50_000_000_000
MAX_FOLDERS = 30
"""Folders inside folders that a name may have."""

MOST_ATTEMPTS = 2
"""So often a worker may die over one file of an archive before the others go on without it."""

_MOST_ATTEMPTS_TO_OPEN = MOST_ATTEMPTS + 2
_STOPPED = (
    f"the worker stopped {MOST_ATTEMPTS} times while it unpacked this file, most often because its memory ran out; "
    "the other files of the archive went on"
)
_MOST_ENTRIES_A_FILE = 3
"""Folders, and what some systems put beside each file, stand in an archive's list too."""

_ARCHIVE_ENDINGS = (".zip", ".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz")


def unpack(archive_id: int) -> list[int]:
    """Add every picture of an archive to its batch; returns the runs that have new work.

    Safe to repeat: what was added before is found by content and not counted again.
    """
    with only_one("archive", archive_id) as is_mine:
        archive = Archive.objects.select_related("batch__project", "batch__created_by").filter(pk=archive_id).first()
        return _unpack(archive) if is_mine and archive is not None else []


def _unpack(archive: Archive) -> list[int]:
    path = storage.archive_path(archive.path)
    wake: set[int] = set()
    try:
        _begin(archive)
        found = storage.fetch(path)
        _require_content(archive, found)
        with opened_archive(found, most_entries=_MOST_ENTRIES_A_FILE * MAX_FILES) as packed:
            for group in _groups_to_come(archive, _entries(packed)):
                wake |= _add(archive, packed, group)
                _got_on(archive, len(group))
    except ArchiveError as error:
        reject(archive.batch, archive.name, str(error))
    except (OSError, OperationalError, InterfaceError) as error:
        if is_of_the_machine(error):
            patience = timedelta(seconds=settings.PIXELWISE_LEASE_SECONDS)
            once_it_answers(lambda: Archive.objects.filter(pk=archive.pk).update(attempts_count=0), patience)
        raise
    archive.delete()
    storage.remove([path])
    return sorted(wake)


def _begin(archive: Archive) -> None:
    """Count the attempt before anything can kill the process; `archive` keeps the count of those before."""
    if archive.attempts_count >= _MOST_ATTEMPTS_TO_OPEN:
        done = archive.next_entry
        kept = f"what came of its first {done:,} files is kept" if done else "none of it is kept"
        raise ArchiveError(f"stopped the worker that opened it, {archive.attempts_count} times; {kept}")
    Archive.objects.filter(pk=archive.pk).update(attempts_count=archive.attempts_count + 1)


def _groups_to_come(archive: Archive, entries: list[zipfile.ZipInfo]) -> Iterator[list[zipfile.ZipInfo]]:
    """Files that are not done yet. Alone those at which a worker may have died; one that killed two is left out."""
    suspects: list[zipfile.ZipInfo] = []
    if archive.attempts_count >= MOST_ATTEMPTS:
        for entry in entries[archive.next_entry :][:1]:
            reject(archive.batch, clean_name(entry.filename), _STOPPED)
            _got_on(archive, 1)
    if archive.attempts_count:
        suspects = entries[archive.next_entry :][:GROUP_FILES]
    yield from ([entry] for entry in suspects)
    yield from _groups(entries[archive.next_entry :])


def _got_on(archive: Archive, count: int) -> None:
    """These many files more need not be looked at again; with the next ones the attempt is the first."""
    archive.next_entry += count
    Archive.objects.filter(pk=archive.pk).update(next_entry=archive.next_entry, attempts_count=1)


def _require_content(archive: Archive, path: Path) -> None:
    """What came in pieces is compared, once, with the hash that was announced."""
    if not archive.sha256 or archive.next_entry:
        return
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() == archive.sha256:
            return
    ArrivedFile.objects.filter(batch=archive.batch, sha256=archive.sha256).delete()
    raise ArchiveError("arrived with other content than was announced: it changed while it was sent. Send it again.")


def _entries(packed: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    entries = [entry for entry in packed.infolist() if not entry.is_dir() and not is_hidden(entry.filename)]
    if not entries:
        raise ArchiveError("holds no files")
    if len(entries) > MAX_FILES:
        raise ArchiveError(f"holds {len(entries):,} files; an archive may hold {MAX_FILES:,}")
    total = sum(entry.file_size for entry in entries)
    if total > MAX_TOTAL_BYTES:
        raise ArchiveError(f"holds {total / 1e9:,.4g} GB; an archive may hold {MAX_TOTAL_BYTES / 1e9:,g} GB")
    return entries


def _groups(entries: list[zipfile.ZipInfo]) -> Iterator[list[zipfile.ZipInfo]]:
    group: list[zipfile.ZipInfo] = []
    group_bytes = 0
    for entry in entries:
        if group and (len(group) == GROUP_FILES or group_bytes + entry.file_size > GROUP_BYTES):
            yield group
            group, group_bytes = [], 0
        group.append(entry)
        group_bytes += entry.file_size
    if group:
        yield group


def _add(archive: Archive, packed: zipfile.ZipFile, group: list[zipfile.ZipInfo]) -> set[int]:
    """Store a group of members; returns the runs that have new work."""
    files: list[StreamedFile] = []
    with ExitStack() as kept:
        for entry in group:
            reason = _refusal(entry)
            if reason is None:
                try:
                    files.append(_extracted(packed, entry, kept))
                except ArchiveError as error:
                    reason = str(error)
            if reason is not None:
                reject(archive.batch, clean_name(entry.filename), reason)
        added = store_files(archive.batch, files, allow_archive=False)
    return {one.wake_run_id for one in added if one.wake_run_id is not None}


def _refusal(entry: zipfile.ZipInfo) -> str | None:
    """Why a member is not even opened."""
    if entry.filename.lower().endswith(_ARCHIVE_ENDINGS):
        return "is an archive inside an archive: unpack it, then upload its images"
    if entry.filename.replace("\\", "/").count("/") > MAX_FOLDERS:
        return f"lies more than {MAX_FOLDERS} folders deep"
    return refusal(entry) or too_large(entry.file_size, picture_limits())


def _extracted(packed: zipfile.ZipFile, entry: zipfile.ZipInfo, kept: ExitStack) -> StreamedFile:
    file = kept.enter_context(storage.temporary_file())
    with told_in_words("is damaged inside the archive"), packed.open(entry) as stream:
        sha256, size_bytes = copy_hashed(stream, file)
    file.close()
    return StreamedFile(entry.filename, Path(file.name), sha256, size_bytes)
