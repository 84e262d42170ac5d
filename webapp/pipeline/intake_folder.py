"""A folder of the server as a place of an intake. Links are never followed, whoever swaps them in and when."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from typing import IO

from webapp.models import Intake
from webapp.pipeline.archives import is_hidden
from webapp.pipeline.intake_places import ChangedError, Entry, PlaceError
from webapp.services.watch_folders import opened_below, opened_folder

MOST_DEPTH = 32
MOST_PATH_BYTES = 1024


@contextmanager
def opened_place(intake: Intake) -> Iterator[FolderPlace]:
    """PlaceError where the folder is not there, may not be read, or is not allowed any more."""
    with ExitStack() as opened:
        try:
            descriptor = opened.enter_context(opened_folder(intake.folder, intake.project.slug))
        except ValueError as error:
            raise PlaceError(str(error)) from error
        except (FileNotFoundError, NotADirectoryError) as error:
            raise PlaceError(
                f"The folder {intake.folder} is not there, or a link stands in its place. Is its disk mounted on the "
                "machine whose worker looks?"
            ) from error
        except PermissionError as error:
            raise PlaceError(
                f"The folder {intake.folder} may not be read: give the user that runs Pixelwise the right to."
            ) from error
        yield FolderPlace(descriptor)


class FolderPlace:
    settles = True

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def entries(self, after: str) -> Iterator[Entry]:
        yield from _walk(self._descriptor, "", after, MOST_DEPTH)

    @contextmanager
    def opened(self, entry: Entry) -> Iterator[IO[bytes]]:
        *steps, name = entry.key.split("/")
        with opened_below(self._descriptor, tuple(steps)) as folder:
            # Without waiting: somebody may have put a pipe in its place.
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            with os.fdopen(os.open(name, flags, dir_fd=folder), "rb") as file:
                _require_version(file, entry)
                yield file
                _require_version(file, entry)


def _require_version(file: IO[bytes], entry: Entry) -> None:
    found = os.fstat(file.fileno())
    if not stat.S_ISREG(found.st_mode) or _version(found) != entry.version:
        raise ChangedError


def _walk(descriptor: int, folder: str, after: str, depth: int) -> Iterator[Entry]:
    """Sorted as the paths are: a folder stands where its name with a slash behind it would."""
    try:
        with os.scandir(descriptor) as listed:
            found = [(entry.name, entry.is_dir(follow_symlinks=False), entry) for entry in listed]
    except PermissionError:
        # Its neighbours can still be taken; whoever looks for its pictures finds out why there are none.
        return
    for name, is_folder, entry in sorted(found, key=lambda one: _shown(one[0] + "/" if one[1] else one[0])):
        path = f"{folder}{name}"
        if is_hidden(path):
            continue
        if is_folder:
            below = _shown(f"{path}/")
            if depth and (below > after or after.startswith(below)):
                yield from _walk_below(descriptor, name, f"{path}/", after, depth - 1)
        elif _shown(path) > after:
            yield from _entry(path, entry)


def _walk_below(descriptor: int, name: str, path: str, after: str, depth: int) -> Iterator[Entry]:
    try:
        with opened_below(descriptor, (name,)) as inner:
            yield from _walk(inner, path, after, depth)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return


def _entry(path: str, listed: os.DirEntry[str]) -> Iterator[Entry]:
    try:
        found = listed.stat(follow_symlinks=False)
    except FileNotFoundError:
        return
    refusal = "is a link; links are not followed" if stat.S_ISLNK(found.st_mode) else ""
    if not refusal and not stat.S_ISREG(found.st_mode):
        return
    shown = _shown(path)
    if len(shown.encode()) > MOST_PATH_BYTES:
        shown = f"{shown[:200]}…{sha256(os.fsencode(path)).hexdigest()[:16]}"
        refusal = f"its path is longer than {MOST_PATH_BYTES} bytes"
    modified_at = datetime.fromtimestamp(max(0, min(found.st_mtime, 253_000_000_000)), UTC)
    yield Entry(shown, path, _version(found), found.st_size, modified_at, refusal)


def _version(found: os.stat_result) -> str:
    return f"{found.st_size}-{found.st_mtime_ns}"


def _shown(name: str) -> str:
    """A name that is no UTF-8 with its odd bytes written out."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")
