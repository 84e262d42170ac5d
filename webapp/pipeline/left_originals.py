"""Originals that no image has: a process was killed between a file and its row, or a data set was never finished."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import structlog

from webapp import storage
from webapp.models import Image
from webapp.pipeline.contents import remove_unheld_pictures
from webapp.stored_files import here

_LEFT_AFTER_SECONDS = 3600
_EVERY_SECONDS = 3600
_LISTED_AT_ONCE = 1000
_FEW = 64
_NAME = re.compile(r"[0-9a-f]{64}")

log = structlog.get_logger(__name__)


def remove_left_originals() -> int:
    """Remove originals on this machine's disk that have been without a row for an hour; returns how many.

    Looks at most once an hour. Where most of them have none the database is rather another one's: all stay.
    """
    if not _is_due():
        return 0
    left: list[str] = []
    held_count = 0
    for folder, names in _listed():
        held = set(Image.objects.filter(sha256__in=names).values_list("sha256", flat=True))
        held_count += len(held)
        left += [name for name in names if name not in held and _is_old(folder / name)]
    if len(left) > max(_FEW, held_count):
        log.error(
            "most originals belong to no image of this database, so none of them is removed: is DATABASE_URL right?",
            originals=str(_folder()),
            without_image=len(left),
            with_image=held_count,
        )
        return 0
    return remove_unheld_pictures(left)


def _listed() -> Iterator[tuple[Path, list[str]]]:
    """Every folder of originals with some of its names at a time."""
    for folder in sorted(_folder().glob("??")):
        names = [path.name for path in folder.iterdir() if _NAME.fullmatch(path.name)]
        for start in range(0, len(names), _LISTED_AT_ONCE):
            yield folder, names[start : start + _LISTED_AT_ONCE]


def _is_old(path: Path) -> bool:
    try:
        return time.time() - path.stat().st_mtime > _LEFT_AFTER_SECONDS
    except FileNotFoundError:
        return False


def _is_due() -> bool:
    """True once an hour, whichever worker asks."""
    looked = here() / "run" / "originals-looked-at"
    if looked.exists() and time.time() - looked.stat().st_mtime < _EVERY_SECONDS:
        return False
    looked.parent.mkdir(parents=True, exist_ok=True)
    looked.touch()
    return True


def _folder() -> Path:
    return storage.original_path("x").parent.parent
