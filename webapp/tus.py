"""Resumable uploads as HTTP says them: the tus protocol 1.0.0 with creation, checksum and expiration.

A file's address ends with its SHA-256, so that whoever has the same content finds what has come of it. Pages and API
answer by this module; they say who asks and which batch it is. Source: https://tus.io/protocols/resumable-upload
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.http import http_date

from webapp import storage
from webapp.actions.upload import (
    Arrival,
    BatchSealedError,
    WrongContentError,
    WrongOffsetError,
    add_piece,
    begin_file,
    file_state,
)
from webapp.models import Batch

VERSION = "1.0.0"
PIECE_TYPE = "application/offset+octet-stream"
LARGEST_PIECE_BYTES = 100_000_000
CHECKSUM_MISMATCH = 460

SHA256 = re.compile(r"[0-9a-f]{64}")
_BLOCK_BYTES = 1 << 18


class TusError(Exception):
    """An answer that is an error: its status, what was expected and what came, headers that go with it."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = {"Tus-Resumable": VERSION, **(headers or {})}


def create(request: HttpRequest, batch: Batch, address: str) -> HttpResponse:
    """Begin an upload. `address` is where the batch's uploads lie; the new one's is in the header Location."""
    _require_version(request)
    size_bytes = _whole_number(request, "Upload-Length")
    told = _metadata(request.headers.get("Upload-Metadata", ""))
    sha256 = told.get("sha256", "")
    if not SHA256.fullmatch(sha256):
        raise TusError(400, "Expected Upload-Metadata with “sha256”: 64 lower-case hex digits, in base64.")
    name = told.get("filename") or told.get("name") or "unnamed"
    try:
        arrival = begin_file(batch=batch, name=name, sha256=sha256, size_bytes=size_bytes)
    except BatchSealedError as error:
        raise _sealed(batch) from error
    if arrival.size_bytes != size_bytes:
        raise TusError(409, f"Content with this hash has {arrival.size_bytes:,} bytes, not {size_bytes:,}.")
    return _answer(201, arrival, Location=f"{address}/{sha256}")


def show(request: HttpRequest, batch: Batch, sha256: str) -> HttpResponse:
    """How far an upload has come, in headers."""
    _require_version(request)
    arrival = file_state(batch=batch, sha256=sha256)
    if arrival is None:
        raise _unknown()
    answer = _answer(200, arrival)
    answer["Upload-Length"] = str(arrival.size_bytes)
    answer["Cache-Control"] = "no-store"
    return answer


def append(request: HttpRequest, batch: Batch, sha256: str) -> HttpResponse:
    """Take one more piece. It is on disk when this answers."""
    _require_version(request)
    if request.content_type != PIECE_TYPE:
        raise TusError(415, f"Expected the content type {PIECE_TYPE}, got {request.content_type or 'none'}.")
    offset_bytes = _whole_number(request, "Upload-Offset")
    checksum = _checksum(request.headers.get("Upload-Checksum", ""))
    if batch.sealed_at is not None:
        raise _sealed(batch)
    with storage.temporary_file() as file:
        path = Path(file.name)
        digest, came = hashlib.new(checksum[0]) if checksum else None, 0
        while block := request.read(_BLOCK_BYTES):
            file.write(block)
            came += len(block)
            if came > LARGEST_PIECE_BYTES:
                raise TusError(413, f"A piece may have {LARGEST_PIECE_BYTES // 10**6} MB. Send more of them.")
            if digest is not None:
                digest.update(block)
        file.flush()
        if digest is not None and checksum is not None and digest.digest() != checksum[1]:
            raise TusError(CHECKSUM_MISMATCH, "The piece does not have the checksum it came with. Send it again.")
        return _answer(204, _added(batch, sha256, offset_bytes, path))


def told(response: HttpResponse) -> HttpResponse:
    """The same answer to a question about the protocol (OPTIONS)."""
    response["Tus-Resumable"] = response["Tus-Version"] = VERSION
    response["Tus-Extension"] = "creation,checksum,expiration"
    response["Tus-Checksum-Algorithm"] = "sha256,sha1"
    return response


def _added(batch: Batch, sha256: str, offset_bytes: int, piece: Path) -> Arrival:
    try:
        return add_piece(batch=batch, sha256=sha256, offset_bytes=offset_bytes, piece=piece)
    except WrongOffsetError as error:
        place = str(error.offset_bytes)
        raise TusError(
            409, f"Expected the piece at byte {place}, got one at {offset_bytes}.", {"Upload-Offset": place}
        ) from error
    except WrongContentError as error:
        message = (
            "All bytes have come, and their SHA-256 is not the one announced: the file changed while it was sent. "
            "Begin again."
        )
        raise TusError(CHECKSUM_MISMATCH, message) from error
    except BatchSealedError as error:
        raise _sealed(batch) from error
    except LookupError as error:
        raise _unknown() from error


def _answer(status: int, arrival: Arrival, **headers: str) -> HttpResponse:
    answer = HttpResponse(status=status)
    answer["Tus-Resumable"] = VERSION
    answer["Upload-Offset"] = str(arrival.offset_bytes)
    if arrival.outcome is not None:
        answer["Upload-Outcome"] = arrival.outcome
    else:
        kept_until = timezone.now() + timedelta(days=settings.PIXELWISE_PARTIAL_UPLOAD_DAYS)
        answer["Upload-Expires"] = http_date(kept_until.timestamp())
    for name, value in headers.items():
        answer[name] = value
    return answer


def _require_version(request: HttpRequest) -> None:
    """Left out it is taken for ours, for clients as simple as curl."""
    asked = request.headers.get("Tus-Resumable", VERSION)
    if asked != VERSION:
        raise TusError(412, f"Expected Tus-Resumable: {VERSION}, got {asked[:20]}.", {"Tus-Version": VERSION})


def _whole_number(request: HttpRequest, header: str) -> int:
    text = request.headers.get(header, "")
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise TusError(400, f"Expected the header {header} with a whole number of bytes, got “{text[:20]}”.")
    return int(text)


def _metadata(header: str) -> dict[str, str]:
    """`key base64,key base64` → decoded values."""
    told = {}
    for pair in filter(None, (part.strip() for part in header.split(","))):
        key, _, value = pair.partition(" ")
        try:
            told[key] = base64.b64decode(value.strip(), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise TusError(400, f"Expected Upload-Metadata “{key[:40]}” in base64 of UTF-8.") from error
    return told


def _checksum(header: str) -> tuple[str, bytes] | None:
    """(algorithm, digest) of `algorithm base64`; None without one."""
    if not header:
        return None
    algorithm, _, value = header.partition(" ")
    try:
        digest = base64.b64decode(value.strip(), validate=True)
    except binascii.Error:
        digest = b""
    if algorithm not in ("sha256", "sha1") or not digest:
        raise TusError(400, "Expected Upload-Checksum: sha256 or sha1, then its digest in base64.")
    return algorithm, digest


def _unknown() -> TusError:
    return TusError(HTTPStatus.NOT_FOUND, "Nothing of this file is here. Begin it with POST first.")


def _sealed(batch: Batch) -> TusError:
    return TusError(HTTPStatus.CONFLICT, f"The upload of “{batch.name}” is finished. Start a new batch.")
