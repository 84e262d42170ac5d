"""How much of the data folder each kind of file takes. Walking it takes long where there is much: a worker does it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

STALE_AFTER_SECONDS = 3600
# Folder below the data folder → what people call it.
KINDS: Mapping[str, str] = {
    "originals": "photos",
    "thumbnails": "previews of photos",
    "views": "previews of photos",
    "predictions": "masks",
    "annotations": "people's masks",
    "evaluations": "evaluations",
    "truths": "evaluations",
    "models": "models",
    "trainings": "trainings",
    "encoders": "encoders",
    "exports": "exports and reports",
    "reports": "exports and reports",
    "archives": "uploads on their way",
    "arrivals": "uploads on their way",
    "imports": "uploads on their way",
    "tmp": "uploads on their way",
    "cache": "copies of the bucket's files",
    "logs": "logs",
    "postgres": "database",
    "valkey": "queue",
}


@dataclass(frozen=True)
class Kind:
    """What one kind of file takes on the disk."""

    name: str
    file_count: int
    size_bytes: int


@dataclass(frozen=True)
class Space:
    """`kinds` by size, the largest first. `at`: when it was measured, seconds since 1970."""

    at: float
    kinds: tuple[Kind, ...]


def measure(data: Path) -> Space:
    """Walk the data folder and keep what was found for `last_measured`."""
    sums: dict[str, tuple[int, int]] = {}
    for entry in sorted(data.iterdir()):
        name = KINDS.get(entry.name, "other")
        counted = _walk(entry)
        before = sums.get(name, (0, 0))
        sums[name] = (before[0] + counted[0], before[1] + counted[1])
    kinds = sorted((Kind(name, *counted) for name, counted in sums.items()), key=lambda kind: -kind.size_bytes)
    space = Space(time.time(), tuple(kind for kind in kinds if kind.file_count))
    _path(data).parent.mkdir(exist_ok=True)
    draft = _path(data).with_suffix(".new")
    draft.write_text(json.dumps(asdict(space)))
    draft.replace(_path(data))
    return space


def last_measured(data: Path) -> Space | None:
    """None before the first time."""
    try:
        kept = json.loads(_path(data).read_text())
        return Space(kept["at"], tuple(Kind(**kind) for kind in kept["kinds"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def is_stale(data: Path) -> bool:
    space = last_measured(data)
    return space is None or time.time() - space.at > STALE_AFTER_SECONDS


def _path(data: Path) -> Path:
    return data / "run" / "space.json"


def _walk(top: Path) -> tuple[int, int]:
    """Files and the bytes they take on the disk; what vanishes or may not be read meanwhile is left out."""
    count = size = 0
    waiting = [top]
    while waiting:
        place = waiting.pop()
        try:
            if place.is_symlink():
                continue
            if not place.is_dir():
                count, size = count + 1, size + place.lstat().st_blocks * 512
                continue
            with os.scandir(place) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(Path(entry.path))
                    elif entry.is_file(follow_symlinks=False):
                        count, size = count + 1, size + entry.stat(follow_symlinks=False).st_blocks * 512
        except OSError:
            continue
    return count, size
