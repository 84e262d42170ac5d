"""A ZIP of pictures, unpacked by a worker under limits on count, size, ratio and names."""

from __future__ import annotations

import stat
import zipfile
import zlib

from webapp import storage
from webapp.models import Archive
from webapp.pipeline.one_worker import only_one
from webapp.pipeline.outages import is_of_the_machine
from webapp.pipeline.receive import AddedFile, receive_file, reject

MAX_FILES = 50_000
MAX_TOTAL_BYTES = 50_000_000_000
MAX_RATIO = 200


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
        with zipfile.ZipFile(path) as packed:
            for entry in _entries(archive, packed):
                added = _add(archive, packed, entry)
                if added.wake_run_id is not None:
                    wake.add(added.wake_run_id)
    except (zipfile.BadZipFile, OSError) as error:
        if is_of_the_machine(error):
            raise
        reject(archive.batch, archive.name, f"could not be unpacked: {error}")
    archive.delete()
    path.unlink(missing_ok=True)
    return sorted(wake)


def _entries(archive: Archive, packed: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    entries = [entry for entry in packed.infolist() if not entry.is_dir() and not is_hidden(entry.filename)]
    if len(entries) > MAX_FILES:
        reject(archive.batch, archive.name, f"holds {len(entries):,} files; an archive may hold {MAX_FILES:,}")
        return []
    total = sum(entry.file_size for entry in entries)
    if total > MAX_TOTAL_BYTES:
        reject(
            archive.batch,
            archive.name,
            f"holds {total / 1e9:.0f} GB; an archive may hold {MAX_TOTAL_BYTES / 1e9:.0f} GB",
        )
        return []
    return entries


def _add(archive: Archive, packed: zipfile.ZipFile, entry: zipfile.ZipInfo) -> AddedFile:
    if stat.S_ISLNK(entry.external_attr >> 16):
        return reject(archive.batch, entry.filename, "is a link, not a picture")
    if entry.flag_bits & 0x1:
        return reject(archive.batch, entry.filename, "is locked with a password")
    if entry.file_size > MAX_RATIO * max(entry.compress_size, 1) and entry.file_size > 10_000_000:
        return reject(archive.batch, entry.filename, "is packed more than 200 times smaller than it is: not opened")
    try:
        with packed.open(entry) as stream:
            return receive_file(archive.batch, entry.filename, stream, allow_archive=False)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError) as error:
        return reject(archive.batch, entry.filename, f"is damaged inside the archive: {error}")


def is_hidden(name: str) -> bool:
    """Files that systems leave in folders and nobody means to upload."""
    parts = name.replace("\\", "/").split("/")
    return "__MACOSX" in parts or parts[-1].startswith(".") or parts[-1].lower() in ("thumbs.db", "desktop.ini")
