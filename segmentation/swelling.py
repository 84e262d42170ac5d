"""Headers that would take far more memory than their pictures, told before a library reads them.

Lists of numbers become a Python object for each number, a tile is unpacked whole however little of it is shown, and
Pillow joins the camera's words of a JPEG piece by piece.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from segmentation.truncation import Content, jpeg_segments

CAMERA_BYTES = 1_000_000
"""More than that of EXIF is not read: cameras write 64 kB."""

# Version 42 and, of BigTIFF, 43; Pillow takes either order of the two bytes.
_MAGIC = (b"*\0", b"\0*", b"+\0", b"\0+")
_MOST_NUMBERS = 1_000_000
_LEAST_TILE_PX = 4096
_WIDTH, _HEIGHT, _TILE_WIDTH, _TILE_HEIGHT, _JPEG_TABLES = 256, 257, 322, 323, 347
_INNER_DIRECTORIES = (34665, 34853)
_TEXTS = (1, 2, 6, 7)
_WIDTHS = {3: 2, 4: 4, 16: 8}
_MOST_ENTRIES = 65_535
_EXIF_MARKER = 0xE1


@dataclass(frozen=True)
class _Entry:
    tag: int
    type: int
    count: int
    value: int


def reason_to_refuse(content: Content) -> str | None:
    """To continue a sentence about a file; None where its header takes little, or is none."""
    if content[:2] in (b"II", b"MM") and content[2:4] in _MAGIC:
        # Pillow takes a big-endian BigTIFF for a plain one, tifffile does not.
        readings = {content[2] == 43, 43 in content[2:4]}
        return next(filter(None, (_of_a_tiff(content, is_big=is_big) for is_big in readings)), None)
    if content[:2] == b"\xff\xd8" and _exif_bytes(content) > CAMERA_BYTES:
        return f"is damaged or hostile: the camera's words in it take more than {CAMERA_BYTES / 1e6:g} MB"
    return None


def _exif_bytes(content: Content) -> int:
    return sum(
        length
        for marker, start, length in jpeg_segments(content)
        if marker == _EXIF_MARKER and content[start : start + 4] == b"Exif"
    )


def _of_a_tiff(content: Content, *, is_big: bool) -> str | None:
    order = "<" if content[:2] == b"II" else ">"
    start = _number(content[8:16] if is_big else content[4:8], order)
    entries = list(_directory(content, order, start, is_big=is_big))
    starts = [entry.value for entry in entries if entry.tag in _INNER_DIRECTORIES]
    inner = (_directory(content, order, start, is_big=is_big) for start in starts)
    for entry in itertools.chain(entries, *inner):
        if entry.count > _MOST_NUMBERS and (entry.type not in _TEXTS or entry.tag == _JPEG_TABLES):
            return f"is damaged or hostile: its header has a list of {entry.count:,} numbers"
    for side, tile in ((_WIDTH, _TILE_WIDTH), (_HEIGHT, _TILE_HEIGHT)):
        sides = [entry.value for entry in entries if entry.tag == side]
        tiles = [entry.value for entry in entries if entry.tag == tile]
        if tiles and max(tiles) > max(_LEAST_TILE_PX, 2 * min(sides, default=0)):
            return f"is damaged or hostile: its tiles of {max(tiles):,} pixels are larger than the picture itself"
    return None


def _directory(content: Content, order: str, start: int, *, is_big: bool) -> Iterator[_Entry]:
    """Its entries as far as the file reaches (TIFF 6.0, section 2; BigTIFF has wider numbers)."""
    layout = struct.Struct(f"{order}HHQ8s" if is_big else f"{order}HHI4s")
    first = start + (8 if is_big else 2)
    count = min(_number(content[start:first], order), _MOST_ENTRIES)
    for place in range(first, min(first + count * layout.size, len(content) - layout.size + 1), layout.size):
        tag, kind, numbers, value = layout.unpack(content[place : place + layout.size])
        yield _Entry(tag, kind, numbers, _number(value[: _WIDTHS.get(kind, 4)], order))


def _number(content: bytes, order: str) -> int:
    return int.from_bytes(content, "little" if order == "<" else "big")
