"""What a video's container says of itself, read without decoding: kind, length, when the recording began.

MP4 and MOV (ISO/IEC 14496-12), AVI (RIFF), Matroska and WebM (EBML, RFC 9559). Nothing here runs a decoder, so the web
process may look at what strangers send. Sizes that files claim are never believed beyond the file's end.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import isfinite
from pathlib import Path
from typing import IO

ENDINGS = (".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm")

_STILL_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1", b"avif", b"avis", b"crx ")
_MP4_EPOCH = datetime(1904, 1, 1, tzinfo=UTC)
_MATROSKA_EPOCH = datetime(2001, 1, 1, tzinfo=UTC)
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
_MOST_BOXES = 10_000

_SEGMENT, _INFO, _CLUSTER = 0x18538067, 0x1549A966, 0x1F43B675
_TIMESTAMP_SCALE, _DURATION, _DATE_UTC = 0x2AD7B1, 0x4489, 0x4461


@dataclass(frozen=True)
class Container:
    """`started_at` is aware, where the camera's clock was set; `seconds` is what the header says, None where nothing.

    `is_cut`: the file ends before its own header says.
    """

    kind: str
    seconds: float | None
    started_at: datetime | None
    is_cut: bool


def video_kind(head: bytes) -> str:
    """ "MP4", "AVI" or "Matroska" by a file's first bytes; empty for anything else."""
    if head[4:8] == b"ftyp":
        return "" if head[8:12] in _STILL_BRANDS else "MP4"
    # QuickTime files older than `ftyp` begin with one of these.
    if head[4:8] in (b"moov", b"mdat", b"wide"):
        return "MP4"
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "AVI"
    return "Matroska" if head[:4] == b"\x1aE\xdf\xa3" else ""


def read_container(path: str | os.PathLike[str]) -> Container | None:
    """What the container says; None where the file is none of the kinds."""
    with Path(path).open("rb") as file:
        kind, size = video_kind(file.read(16)), os.fstat(file.fileno()).st_size
        if kind == "MP4":
            return _mp4(file, size)
        if kind == "AVI":
            return _avi(file, size)
        return _matroska(file, size) if kind else None


def _mp4(file: IO[bytes], size: int) -> Container:
    seconds, started_at, has_header, is_cut = None, None, False, False
    for kind, start, end in _boxes(file, 0, size):
        is_cut = end > size
        if kind == b"moov":
            has_header = True
            for inner, inside, _ in _boxes(file, start, min(end, size)):
                if inner == b"mvhd":
                    seconds, started_at = _movie_header(_read(file, inside, 32))
    return Container("MP4", seconds, started_at, is_cut or not has_header)


def _boxes(file: IO[bytes], place: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start of the content and end of each box."""
    for _ in range(_MOST_BOXES):
        head = _read(file, place, 16)
        if place >= end or len(head) < 8:
            return
        length, start = int.from_bytes(head[:4], "big"), place + 8
        if length == 1:
            length, start = int.from_bytes(head[8:16], "big"), place + 16
        elif length == 0:
            length = end - place
        if length < start - place:
            return
        yield head[4:8], start, place + length
        place += length


def _movie_header(content: bytes) -> tuple[float | None, datetime | None]:
    wide = content[:1] == b"\x01"
    size = 8 if wide else 4
    created = int.from_bytes(content[4 : 4 + size], "big")
    after = 4 + 2 * size
    scale = int.from_bytes(content[after : after + 4], "big")
    length = int.from_bytes(content[after + 4 : after + 4 + size], "big")
    return (length / scale if scale else None), _moment(_MP4_EPOCH, created)


def _avi(file: IO[bytes], size: int) -> Container:
    """Files over 1 GB hold further RIFF parts; only what the first one promises is checked."""
    head = _read(file, 0, 80)
    microseconds, count = int.from_bytes(head[32:36], "little"), int.from_bytes(head[48:52], "little")
    seconds = microseconds * count / 1e6 if head[24:28] == b"avih" and microseconds and count else None
    return Container("AVI", seconds, None, 8 + int.from_bytes(head[4:8], "little") > size + 1)


def _matroska(file: IO[bytes], size: int) -> Container:
    scale, duration, started_at, is_cut = 1_000_000, None, None, False
    for kind, start, end in _elements(file, 0, size):
        if kind != _SEGMENT:
            continue
        is_cut = end > size
        for inner, inside, inner_end in _elements(file, start, min(end, size)):
            if inner == _CLUSTER:
                break
            if inner != _INFO:
                continue
            for field, at, field_end in _elements(file, inside, min(inner_end, size)):
                value = _read(file, at, min(8, field_end - at))
                if field == _TIMESTAMP_SCALE:
                    scale = int.from_bytes(value, "big")
                elif field == _DURATION:
                    duration = _float(value)
                elif field == _DATE_UTC:
                    started_at = _moment(_MATROSKA_EPOCH, int.from_bytes(value, "big", signed=True) / 1e9)
    return Container("Matroska", None if duration is None else duration * scale / 1e9, started_at, is_cut)


def _elements(file: IO[bytes], place: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Identifier, start of the content and end of each EBML element; one of unknown length reaches to the end."""
    for _ in range(_MOST_BOXES):
        head = _read(file, place, 12)
        if place >= end or not head or head[0] == 0:
            return
        width = 9 - head[0].bit_length()
        if width > 4 or len(head) <= width or head[width] == 0:
            return
        length_width = 9 - head[width].bit_length()
        length = int.from_bytes(head[width : width + length_width], "big") & ((1 << 7 * length_width) - 1)
        start = place + width + length_width
        if length == (1 << 7 * length_width) - 1:
            length = end - start
        yield int.from_bytes(head[:width], "big"), start, start + length
        place = start + length


def _read(file: IO[bytes], place: int, count: int) -> bytes:
    file.seek(place)
    return file.read(count)


def _float(value: bytes) -> float | None:
    if len(value) not in (4, 8):
        return None
    (found,) = struct.unpack(">f" if len(value) == 4 else ">d", value)
    return float(found) if isfinite(found) else None


def _moment(epoch: datetime, seconds: float) -> datetime | None:
    """A clock that was never set says nought, or its maker's epoch."""
    try:
        at = epoch + timedelta(seconds=seconds)
    except OverflowError:
        return None
    return at if _EARLIEST < at < datetime.now(UTC) + timedelta(days=1) else None
