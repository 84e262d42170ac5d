"""What a worker process has in hand: a small file that outlives the process, so that no neighbour is blamed.

One file per process and turn, in `run/in-hand/` of the data folder, named as the worker is: the images, and in the last
place the run whose model is being loaded. It has its full size from the start: a disk that fills up later cannot stop
anybody from writing it.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog

_PLACES = 4096
_LOADING = _PLACES - 1
_NUMBER = struct.Struct("<q")

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Held:
    """What a worker had in hand: ids of predictions, and of the run whose model it was loading, if it was."""

    images: frozenset[int]
    loading_run_id: int | None


class InHand:
    """`descriptor` is None where no file could be made: then nothing is noted, and all of the chunk is in hand."""

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor
        self._free = list(reversed(range(_LOADING)))
        self._places: dict[int, int] = {}

    def take(self, key: int) -> None:
        if self._free and key not in self._places:
            self._places[key] = self._free.pop()
            self._note(self._places[key], key)

    def put_down(self, key: int) -> None:
        place = self._places.pop(key, None)
        if place is not None:
            self._note(place, 0)
            self._free.append(place)

    def taking(self, items: Iterable[tuple[int, Path]]) -> Iterator[tuple[int, Path]]:
        """The same items, each taken before anybody opens its file."""
        for key, path in items:
            self.take(key)
            yield key, path

    @contextmanager
    def loading(self, run_id: int) -> Iterator[None]:
        """For the duration of a block the model of this run is being loaded."""
        self._note(_LOADING, run_id)
        try:
            yield
        finally:
            self._note(_LOADING, 0)

    def _note(self, place: int, key: int) -> None:
        if self._descriptor is not None:
            os.pwrite(self._descriptor, _NUMBER.pack(key), place * _NUMBER.size)


@contextmanager
def in_hand(data: Path, worker: str) -> Iterator[InHand]:
    """What `worker` holds for the duration of a block; the file is gone afterwards unless the process is killed."""
    path = _folder(data) / worker
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError as error:
        log.warning("nobody will know which image a worker had in hand", error=str(error))
        yield InHand(None)
        return
    try:
        os.write(descriptor, bytes(_NUMBER.size * _PLACES))
        yield InHand(descriptor)
    finally:
        os.close(descriptor)
        path.unlink(missing_ok=True)


def held(data: Path, worker: str) -> Held | None:
    """What a worker had in hand when it died; None where that is not known."""
    try:
        content = (_folder(data) / worker).read_bytes()
    except OSError:
        return None
    if len(content) < _NUMBER.size * _PLACES:
        return None
    *images, loading_run_id = (number for (number,) in _NUMBER.iter_unpack(content))
    return Held(frozenset(images) - {0}, loading_run_id or None)


def known_workers(data: Path) -> list[str]:
    """All that have something in hand or died with it."""
    try:
        return sorted(path.name for path in _folder(data).iterdir())
    except OSError:
        return []


def forget(data: Path, worker: str) -> bool:
    """Remove what is known of a dead worker; true for one caller only."""
    try:
        (_folder(data) / worker).unlink()
    except FileNotFoundError:
        return False
    return True


def _folder(data: Path) -> Path:
    return data / "run" / "in-hand"
