"""A ZIP with a data set is unpacked into a folder, under the limits that hold for any archive."""

from __future__ import annotations

import os
import shutil
import zipfile
from pathlib import Path

from segmentation.datasets import DatasetError
from webapp.pipeline.archives import ArchiveError, is_hidden, opened_archive, refusal, told_in_words
from webapp.pipeline.receive import clean_name
from webapp.pipeline.unpack import MAX_FILES, MAX_TOTAL_BYTES

KEPT_FREE_BYTES = 1_000_000_000
_MOST_NAME_BYTES = 240
"""Of one folder or file; file systems take 255, and a part file's name is a little longer."""


def unpack_dataset(archive: Path, folder: Path) -> None:
    """Write every file of the archive below `folder`; what is there from an interrupted try is not written again.

    DatasetError says what is wrong with the archive; unlike with photos, one bad file spoils a data set.
    """
    try:
        with opened_archive(archive, most_entries=4 * MAX_FILES) as packed:
            for entry in _entries(packed, folder):
                _write(packed, entry, folder)
    except ArchiveError as error:
        raise DatasetError(f"the ZIP {error}") from error


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
    name = clean_name(entry.filename)
    if reason := refusal(entry):
        raise DatasetError(f"{name[:200]} in the ZIP {reason}")
    if longest := next((part for part in name.split("/") if len(os.fsencode(part)) > _MOST_NAME_BYTES), None):
        raise DatasetError(f"the ZIP has a file or folder name longer than {_MOST_NAME_BYTES} bytes: {longest[:60]}…")
    target = folder / name
    if target.is_file() and target.stat().st_size == entry.file_size:
        return
    part = target.with_name(f".{target.name}.part")
    with told_in_words(f"is damaged at {name[:200]}"):
        target.parent.mkdir(parents=True, exist_ok=True)
        with packed.open(entry) as source, part.open("wb") as sink:
            shutil.copyfileobj(source, sink, 1 << 20)
        part.replace(target)
