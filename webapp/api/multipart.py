"""multipart/form-data with any number of files, each streamed to disk, none held open.

Django's own parser keeps a file handle per file, and cuts sub-folders off file names.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.http import HttpRequest
from django.http.multipartparser import (
    FIELD,
    FILE,
    RAW,
    ChunkIter,
    LazyStream,
    MultiPartParser,
    MultiPartParserError,
    Parser,
)

from webapp import storage
from webapp.api.errors import ApiError

MOST_FILES = 50_000
MOST_FIELD_BYTES = 16_000_000
_BLOCK_BYTES = 1 << 16


@dataclass(frozen=True)
class SentFile:
    """A file of a request. `name` as the client wrote it, with sub-folders; nothing is checked yet."""

    name: str
    path: Path


@dataclass
class Form:
    """Fields and files of a request by their field names, in the order they came."""

    values: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    files: dict[str, list[SentFile]] = field(default_factory=lambda: defaultdict(list))


@contextmanager
def received_form(request: HttpRequest) -> Iterator[Form]:
    """Everything a request sent; the files are gone afterwards. ApiError for what is no whole form."""
    if request.content_type != "multipart/form-data":
        raise ApiError(
            415,
            "Expected multipart/form-data with the pictures in the repeated field “files”, "
            f"got {request.content_type or 'no content type'}.",
        )
    if not request.META.get("CONTENT_LENGTH"):
        raise ApiError(411)
    with TemporaryDirectory(dir=storage.temporary_folder(), prefix="form-") as folder:
        yield _FormParser(request).form(Path(folder))


class _FormParser(MultiPartParser):
    _input_data: HttpRequest
    _boundary: bytes
    _encoding: str

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request.META, request, [], request.encoding)
        self.field_bytes = 0
        self.files_count = 0

    def form(self, folder: Path) -> Form:
        form = Form()
        is_whole = False
        stream = LazyStream(ChunkIter(self._input_data, _BLOCK_BYTES))
        for kind, headers, content in Parser(stream, self._boundary):
            name, file_name = _names(headers, self._encoding)
            if kind == FIELD:
                form.values[name].append(self._text(content))
            elif kind == FILE:
                form.files[name].append(self._file(content, folder, file_name))
            # What follows the last boundary comes as a part of its own.
            is_whole = kind == RAW and content.read(_BLOCK_BYTES).rstrip(b"\r\n") == b"--"
        if not is_whole:
            raise MultiPartParserError("its last boundary is missing.")
        return form

    def _text(self, content: Any) -> str:
        raw = content.read(MOST_FIELD_BYTES - self.field_bytes + 1)
        self.field_bytes += len(raw)
        if self.field_bytes > MOST_FIELD_BYTES:
            raise ApiError(413, f"The fields of a form may have {MOST_FIELD_BYTES // 10**6} MB together.")
        return str(raw.decode(self._encoding, errors="replace"))

    def _file(self, content: Any, folder: Path, name: str) -> SentFile:
        self.files_count += 1
        if self.files_count > MOST_FILES:
            raise ApiError(
                413,
                f"A request may have {MOST_FILES:,} files. Send several batches, or the pictures in a ZIP.",
            )
        path = folder / str(self.files_count)
        with path.open("wb") as file:
            for block in content:
                file.write(block)
        return SentFile(name, path)


def _names(headers: dict[str, Any], encoding: str) -> tuple[str, str]:
    """Field name and file name of a part, both empty where it has none."""
    if headers.get("content-transfer-encoding", ("binary",))[0].strip() == "base64":
        raise MultiPartParserError("its parts are in base64; send them as they are.")
    _, parameters = headers.get("content-disposition", ("", {}))
    name = parameters.get("name", b"").decode(encoding, errors="replace")
    return name.strip(), parameters.get("filename", b"").decode(encoding, errors="replace")
