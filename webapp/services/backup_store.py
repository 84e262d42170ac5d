"""A backup's files into a bucket, where PIXELWISE_STORAGE names one."""

from __future__ import annotations

from pathlib import Path

from webapp.services.backup import FileStore
from webapp.services.start_error import StartError

FOLDERS = (
    *("originals", "thumbnails", "views", "predictions", "annotations", "models", "trainings", "evaluations"),
    *("truths", "imports", "exports", "reports"),
)
"""Folders of a data folder whose files lie in the bucket."""
ARCHIVES = "archives"
"""Its files do, its folders are on their way and stay on the disk."""


def require_empty(store: FileStore) -> None:
    """StartError where the bucket holds anything below its prefix: whose files these are nobody could tell."""
    found = next(store.names(), None)
    if found is not None:
        raise StartError(f"The bucket of PIXELWISE_STORAGE holds {found} already: name another bucket or prefix.")


def fill_store(data: Path, store: FileStore) -> int:
    """Move the store's files of a data folder into the bucket; returns how many."""
    paths = [path for folder in FOLDERS for path in sorted((data / folder).rglob("*")) if path.is_file()]
    paths += [path for path in sorted((data / ARCHIVES).glob("*")) if path.is_file()]
    for path in paths:
        store.upload(path.relative_to(data).as_posix(), path)
        path.unlink()
    return len(paths)
