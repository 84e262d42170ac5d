"""The folder for copies of the bucket's files on this machine: bounded, the longest unused go first."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

KEPT_SECONDS = 600
"""A copy that was asked for so lately may be about to be opened: it stays, whatever the bound."""
UNUSED_SECONDS = 7 * 24 * 3600
_TOUCH_SECONDS = 60
_LOCK_NAME = ".sweep"


class Growth:
    """Bytes this process has added since it last swept; sweeping costs a walk, so not every file starts one."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._bytes = 0

    def add(self, size_bytes: int, *, most_bytes: int) -> bool:
        """True when it is time to sweep: each time a fiftieth of the bound came in."""
        with self._lock:
            self._bytes += size_bytes
            if self._bytes < most_bytes // 50:
                return False
            self._bytes = 0
            return True


def touch(path: Path) -> bool:
    """Note that a copy is used; false where there is none. Its time of change stays: it tells its version."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return False
    if time.time() - found.st_atime > _TOUCH_SECONDS:
        os.utime(path, ns=(time.time_ns(), found.st_mtime_ns))
    return True


def sweep(folder: Path, *, most_bytes: int) -> int:
    """Remove copies until the folder is within its bound; returns the bytes that went. One process at a time."""
    with _alone(folder) as is_mine:
        return _sweep(folder, most_bytes) if is_mine else 0


def _sweep(folder: Path, most_bytes: int) -> int:
    now = time.time()
    found = sorted((used_at, size, path) for path, used_at, size in _copies(folder))
    total, gone = sum(size for _, size, _ in found), 0
    for used_at, size, path in found:
        is_old = now - used_at > UNUSED_SECONDS
        if (not is_old and total - gone <= most_bytes) or now - used_at < KEPT_SECONDS:
            break
        path.unlink(missing_ok=True)
        gone += size
    return gone


def _copies(folder: Path) -> Iterator[tuple[Path, float, int]]:
    for here, _, names in os.walk(folder):
        for name in names:
            path = Path(here) / name
            try:
                found = path.lstat()
            except FileNotFoundError:
                continue
            if name != _LOCK_NAME:
                yield path, found.st_atime, found.st_size


@contextmanager
def _alone(folder: Path) -> Iterator[bool]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / _LOCK_NAME).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
