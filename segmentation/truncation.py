"""Whether a picture file was cut off, found without decoding it where its format allows."""

from __future__ import annotations

import io
import mmap
import re
from collections.abc import Callable, Iterator
from typing import IO

from PIL import ImageFile

Content = bytes | mmap.mmap
"""A file's bytes, in memory or mapped into it."""

_STRIP_OFFSETS, _STRIP_BYTES, _TILE_OFFSETS, _TILE_BYTES = 273, 279, 324, 325
# After a JPEG's scan begins: 0xFF followed by anything but a stuffed zero, a restart marker or another 0xFF.
_JPEG_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)
_END_OF_IMAGE, _START_OF_SCAN = 0xD9, 0xDA
_ALONE = frozenset({0x01, 0xD8, *range(0xD0, 0xD8)})


def ends_too_early(content: Content, image: ImageFile.ImageFile) -> bool:
    """True where the open picture's file lacks its end. Decoders raise their own errors on other damage."""
    check = _CHECKS.get(str(image.format))
    return check is not None and check(content, image)


def is_shorter_than_it_says(content: Content) -> bool:
    """For formats whose first bytes tell the length of the rest: WebP and HEIC."""
    if content[:4] == b"RIFF":
        return _riff_is_cut(content)
    return content[4:8] == b"ftyp" and _boxes_are_cut(content)


def as_file(content: Content) -> IO[bytes]:
    if isinstance(content, bytes):
        return io.BytesIO(content)
    content.seek(0)
    return content  # type: ignore[return-value]


def png_chunks(content: Content) -> Iterator[tuple[bytes, int, int]]:
    """Type, start of the data and length of each whole chunk of a PNG, to its end or where it breaks off."""
    place = 8
    while place + 12 <= len(content):
        length = int.from_bytes(content[place : place + 4], "big")
        if place + 12 + length > len(content):
            return
        yield content[place + 4 : place + 8], place + 8, length
        place += 12 + length


def jpeg_has_end(content: Content) -> bool:
    """Whether the end-of-image marker follows the scans, which cannot contain it (ITU-T T.81, B.1.1)."""
    place, in_scan = 2, False
    while True:
        match = _JPEG_MARKER.search(content, place)
        if match is None:
            return False
        marker, place = content[match.start() + 1], match.end()
        if marker == _END_OF_IMAGE:
            return in_scan
        if marker in _ALONE:
            continue
        in_scan = in_scan or marker == _START_OF_SCAN
        place += int.from_bytes(content[place : place + 2], "big")


def jpeg_segments(content: Content) -> Iterator[tuple[int, int, int]]:
    """Marker, start of the data and length of each of a JPEG's segments before its first scan, and of that one's."""
    place, marker = 2, 0
    while marker != _START_OF_SCAN:
        match = _JPEG_MARKER.search(content, place)
        if match is None:
            return
        marker, place = content[match.start() + 1], match.end()
        if marker in _ALONE:
            continue
        length = int.from_bytes(content[place : place + 2], "big")
        if length < 2:
            return
        yield marker, place + 2, length - 2
        place += length


def _jpeg(content: Content, image: ImageFile.ImageFile) -> bool:
    if jpeg_has_end(content):
        return False
    # Some cameras leave the marker out of whole pictures: at an eighth of its size, decoding tells cheaply.
    image.draft("RGB", (max(1, image.width // 8), max(1, image.height // 8)))
    image.load()
    return False


def _png(content: Content, image: ImageFile.ImageFile) -> bool:
    return all(kind != b"IEND" for kind, _, _ in png_chunks(content))


def _riff_is_cut(content: Content, image: ImageFile.ImageFile | None = None) -> bool:
    """An odd length is padded with one byte, which some writers leave out."""
    return 8 + int.from_bytes(content[4:8], "little") > len(content) + 1


def _tiff(content: Content, image: ImageFile.ImageFile) -> bool:
    tags = image.tag_v2  # type: ignore[attr-defined]
    offsets = tags.get(_STRIP_OFFSETS) or tags.get(_TILE_OFFSETS) or ()
    lengths = tags.get(_STRIP_BYTES) or tags.get(_TILE_BYTES) or ()
    if not offsets:
        return True
    if len(lengths) != len(offsets):
        return max(offsets) >= len(content)
    return max(start + length for start, length in zip(offsets, lengths, strict=True)) > len(content)


def _raw(content: Content, image: ImageFile.ImageFile) -> bool:
    for tile in image.tile:
        if tile.codec_name == "raw" and isinstance(tile.args, tuple):
            rows = tile.extents[3] - tile.extents[1] if tile.extents else image.height
            stride = tile.args[1] if len(tile.args) > 1 and isinstance(tile.args[1], int) else 0
            return tile.offset + rows * stride > len(content)
    image.load()
    return False


def _decode(content: Content, image: ImageFile.ImageFile) -> bool:
    image.load()
    return False


def _boxes_are_cut(content: Content, image: ImageFile.ImageFile | None = None) -> bool:
    """Top-level boxes of ISO/IEC 14496-12: 32-bit length, type; 1 = 64-bit length follows, 0 = to the end."""
    place = 0
    while place < len(content):
        length = int.from_bytes(content[place : place + 4], "big")
        if length == 1:
            length = int.from_bytes(content[place + 8 : place + 16], "big")
        if length == 0:
            return False
        if length < 8 or place + length > len(content):
            return True
        place += length
    return False


_CHECKS: dict[str, Callable[[Content, ImageFile.ImageFile], bool]] = {
    "JPEG": _jpeg,
    "MPO": _jpeg,
    "PNG": _png,
    "WEBP": _riff_is_cut,
    "TIFF": _tiff,
    "BMP": _raw,
    "GIF": _decode,
    "HEIF": _boxes_are_cut,
}
