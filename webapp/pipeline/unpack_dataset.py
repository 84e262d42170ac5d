"""A ZIP with a data set is unpacked into a folder, under the limits that hold for any archive."""

from __future__ import annotations

import shutil
import stat
import zipfile
import zlib
from pathlib import Path

from segmentation.datasets import DatasetError
from webapp.pipeline.receive import clean_name
from webapp.pipeline.unpack import MAX_FILES, MAX_RATIO, MAX_TOTAL_BYTES, is_hidden

KEPT_FREE_BYTES = 1_000_000_000


def unpack_dataset(archive: Path, folder: Path) -> None:
    """Write every file of the archive below `folder`; what is there from an interrupted try is not written again.

    DatasetError says what is wrong with the archive; unlike with photos, one bad file spoils a data set.
    """
    try:
        with zipfile.ZipFile(archive) as packed:
            for entry in _entries(packed, folder):
                _write(packed, entry, folder)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError) as error:
        raise DatasetError(f"the ZIP is damaged: {error}") from error


def _entries(packed: zipfile.ZipFile, folder: Path) -> list[zipfile.ZipInfo]:
    entries = [entry for entry in packed.infolist() if not entry.is_dir() and not is_hidden(entry.filename)]
    if len(entries) > 2 * MAX_FILES:
        raise DatasetError(f"the ZIP holds {len(entries):,} files; a data set may have {2 * MAX_FILES:,}")
    total = sum(entry.file_size for entry in entries)
    if total > MAX_TOTAL_BYTES:
        raise DatasetError(f"the ZIP holds {total / 1e9:.0f} GB; a data set may have {MAX_TOTAL_BYTES / 1e9:.0f} GB")
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if total > free - KEPT_FREE_BYTES:
        raise DatasetError(
            f"the ZIP unpacks to {total / 1e9:.1f} GB, but only {free / 1e9:.1f} GB are free on the server's disk"
        )
    return entries


def _write(packed: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: Path) -> None:
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise DatasetError(f"{entry.filename} in the ZIP is a link; expected files only")
    if entry.flag_bits & 0x1:
        raise DatasetError(f"{entry.filename} in the ZIP is locked with a password; expected an open archive")
    if entry.file_size > MAX_RATIO * max(entry.compress_size, 1) and entry.file_size > 10_000_000:
        raise DatasetError(f"{entry.filename} in the ZIP is packed more than {MAX_RATIO} times smaller: not opened")
    target = folder / clean_name(entry.filename)
    if target.is_file() and target.stat().st_size == entry.file_size:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name[:200]}.part")
    with packed.open(entry) as source, part.open("wb") as sink:
        shutil.copyfileobj(source, sink, 1 << 20)
    part.replace(target)
