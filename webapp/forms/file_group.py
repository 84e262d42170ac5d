"""Many small files in one request, as the upload page sends them.

The body is one line of JSON, `{"files": [{"name", "sha256", "size_bytes"}]}`, then the content of each file, one right
after the other. No boundary need be looked for, and every content is compared with its hash.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any, cast

from django.http import HttpRequest

from webapp import storage
from webapp.pipeline.receive import StreamedFile, copy_hashed

CONTENT_TYPE = "application/vnd.pixelwise.files"
MOST_FILES = 200
MOST_BYTES = 256_000_000

_MOST_LINE_BYTES = 1_000_000
_SHA256 = re.compile(r"[0-9a-f]{64}")


class GroupError(Exception):
    """A body that is not such a group; the text says what was expected."""


@contextmanager
def received_group(request: HttpRequest) -> Iterator[list[StreamedFile]]:
    """The files of a request on our disk, gone afterwards unless they were moved. GroupError for what is no group."""
    entries = _entries(request)
    with TemporaryDirectory(dir=storage.temporary_folder(), prefix="group-") as folder:
        yield [_received(request, entry, Path(folder) / str(place)) for place, entry in enumerate(entries)]


def _entries(request: HttpRequest) -> list[dict[str, Any]]:
    line = request.readline(_MOST_LINE_BYTES)
    try:
        entries = json.loads(line)["files"]
        is_good = 0 < len(entries) <= MOST_FILES and all(_is_entry(entry) for entry in entries)
        is_good = is_good and sum(entry["size_bytes"] for entry in entries) <= MOST_BYTES
    except (ValueError, KeyError, TypeError, RecursionError):
        is_good = False
    if not is_good:
        raise GroupError(
            'Expected a line of JSON, {"files": [{"name", "sha256", "size_bytes"}]}, then the files: at most '
            f"{MOST_FILES} with {MOST_BYTES // 10**6} MB, SHA-256 in lower-case hex."
        )
    return list(entries)


def _is_entry(entry: Any) -> bool:
    return (
        isinstance(entry["name"], str)
        and isinstance(entry["size_bytes"], int)
        and entry["size_bytes"] >= 0
        and _SHA256.fullmatch(str(entry["sha256"])) is not None
    )


def _received(request: HttpRequest, entry: dict[str, Any], path: Path) -> StreamedFile:
    with path.open("wb") as file:
        sha256, size_bytes = copy_hashed(cast("IO[bytes]", request), file, entry["size_bytes"])
    if size_bytes < entry["size_bytes"]:
        raise GroupError(f"“{entry['name'][:80]}” broke off after {size_bytes:,} of {entry['size_bytes']:,} bytes.")
    if sha256 != entry["sha256"]:
        raise GroupError(f"“{entry['name'][:80]}” is not what was announced: it changed while it was sent.")
    return StreamedFile(entry["name"], path, sha256, size_bytes)
