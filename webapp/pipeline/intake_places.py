"""What an intake's folder or bucket offers, in one form: entries in the order of their paths, and their content."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Protocol


@dataclass(frozen=True)
class Entry:
    """One file. `path` below the folder or prefix, as it is kept; `key` opens it. `refusal`: why it cannot be taken.

    Two entries of one path with the same `version` have the same content.
    """

    path: str
    key: str
    version: str
    size_bytes: int
    modified_at: datetime
    refusal: str = ""


class PlaceError(Exception):
    """The folder or bucket cannot be looked at; the text is for a person and says what to do."""


class ChangedError(Exception):
    """The file is another than the one that was listed: it is still being written."""


class Place(Protocol):
    """An open folder or bucket."""

    @property
    def settles(self) -> bool:
        """Whether a file may still grow when it is listed."""

    def entries(self, after: str) -> Iterator[Entry]:
        """Those whose `path` comes after this one, in order. PlaceError where that is not possible."""

    def opened(self, entry: Entry) -> AbstractContextManager[IO[bytes]]:
        """Its content. ChangedError where it is not (or, at the end, no longer) what was listed, else OSError."""
