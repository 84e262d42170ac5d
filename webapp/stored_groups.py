"""Many files into the store at once: durable together, in a fraction of the time that one after the other takes."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from webapp.stored_files import bucket, exists, move_into_place

_AT_ONCE = 8
_MANY = 3

_libc = ctypes.CDLL(None, use_errno=True)


def move_all_into_place(moves: Sequence[tuple[Path, Path]]) -> None:
    """(source, target) each durably and atomically; a target that the store has already stays, and so does its source.

    When it returns, files and folder entries outlive a loss of power.
    """
    new = dict.fromkeys(target for _, target in moves)
    sources = {target: source for source, target in reversed(moves)}
    missing = [(sources[target], target) for target in new if not exists(target, fresh=True)]
    if bucket() is not None:
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(lambda move: move_into_place(*move), missing))
        return
    flush([source for source, _ in missing])
    for source, target in missing:
        target.parent.mkdir(parents=True, exist_ok=True)
        source.chmod(0o640)
        source.replace(target)
    # Also of those that were there: another request may have put them there a moment ago.
    flush(sorted({target.parent for target in new}))


def flush(paths: Sequence[Path]) -> None:
    """Files or folders, all on one disk, to that disk; they outlive a loss of power when it returns.

    From a few on the whole file system is flushed: one commit of its journal instead of one for each file, at the
    price of what others have written meanwhile. Measured for 20 files of 450 kB on ext4: 1.1 ms a file against 7.
    """
    if len(paths) >= _MANY and hasattr(_libc, "syncfs"):
        _on_open(paths[0], _sync_file_system)
        return
    for path in paths:
        _on_open(path, os.fsync)


def _sync_file_system(descriptor: int) -> None:
    if _libc.syncfs(descriptor) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _on_open(path: Path, action: Callable[[int], None]) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        action(descriptor)
    finally:
        os.close(descriptor)
