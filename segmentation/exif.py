"""What a camera wrote about a picture: when, where and which way up. Nonsense gives None, never an error.

Tags by the Exif standard, CIPA DC-008 (Exif 2.32).
"""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image

from segmentation.swelling import CAMERA_BYTES
from segmentation.truncation import Content, png_chunks

_CLOCK = re.compile(r"(\d{4})[:-](\d\d)[:-](\d\d)[ T](\d\d):(\d\d):(\d\d)")
_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)")
_EARLIEST_YEAR = 1980
ORIENTATION = 274
# What decoders are known to raise on broken files; none of it is a fault of the caller.
DECODER_ERRORS = (
    OSError,
    EOFError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    RuntimeError,
)

# Orientation 1–8 → what turns the stored picture upright.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_PIXEL_TURNS: dict[int, Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.uint8]]] = {
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.swapaxes(0, 1),
    6: lambda pixels: pixels[::-1].swapaxes(0, 1),
    7: lambda pixels: pixels[::-1, ::-1].swapaxes(0, 1),
    8: lambda pixels: pixels[:, ::-1].swapaxes(0, 1),
}
_SIDEWAYS = frozenset({5, 6, 7, 8})


@dataclass(frozen=True)
class Exif:
    """`orientation` 1–8 (1 = upright); `position` = latitude, longitude in degrees, or None twice."""

    orientation: int = 1
    captured_at: datetime | None = None
    position: tuple[float, float] | tuple[None, None] = (None, None)


def read(image: Image.Image, content: Content) -> Exif:
    """From an open picture, its pixels not yet loaded, and its file's bytes."""
    found: Image.Exif | None = None
    with contextlib.suppress(*DECODER_ERRORS):
        found = _read_png(image, content) if image.format == "PNG" else _read(image)
    return _facts(found)


def oriented_size(image: Image.Image, found: Exif) -> tuple[int, int]:
    """Width and height in pixels as a person sees the picture. Pillow's TIFF size is turned already."""
    if found.orientation in _SIDEWAYS and image.format != "TIFF":
        return image.height, image.width
    return image.width, image.height


def upright(image: Image.Image, found: Exif) -> Image.Image:
    """A loaded picture turned as its camera was held. Pillow turns TIFFs itself."""
    turn = None if image.format == "TIFF" else _TURNS.get(found.orientation)
    return image if turn is None else image.transpose(turn)


def upright_pixels(pixels: npt.NDArray[np.uint8], found: Exif) -> npt.NDArray[np.uint8]:
    """The same for pixels (H, W, C) as they are stored."""
    turn = _PIXEL_TURNS.get(found.orientation)
    return pixels if turn is None else np.ascontiguousarray(turn(pixels))


def _read_png(image: Image.Image, content: Content) -> Image.Exif | None:
    """Pillow's own way decodes all pixels to look for an eXIf chunk behind them; its chunks are enough."""
    if "exif" not in image.info and "Raw profile type exif" not in image.info:
        for kind, start, length in png_chunks(content):
            if kind == b"eXIf" and length <= CAMERA_BYTES:
                image.info["exif"] = content[start : start + length]
    return None if len(image.info.get("exif", b"")) > CAMERA_BYTES else Image.Image.getexif(image)


def _read(image: Image.Image) -> Image.Exif | None:
    return None if len(image.info.get("exif", b"")) > CAMERA_BYTES else image.getexif()


def _facts(found: Image.Exif | None) -> Exif:
    if found is None:
        return Exif()
    return Exif(_orientation(found), _captured_at(found), _position(found))


def _orientation(found: Image.Exif) -> int:
    with contextlib.suppress(*DECODER_ERRORS):
        value = int(found.get(ExifTags.Base.Orientation, 1))
        return value if value in range(1, 9) else 1
    return 1


def _captured_at(found: Image.Exif) -> datetime | None:
    """DateTimeOriginal, else DateTimeDigitized; aware where the camera gave its offset, else its bare clock."""
    with contextlib.suppress(*DECODER_ERRORS):
        photo = found.get_ifd(ExifTags.IFD.Exif)
        for clock, offset in (
            (ExifTags.Base.DateTimeOriginal, ExifTags.Base.OffsetTimeOriginal),
            (ExifTags.Base.DateTimeDigitized, ExifTags.Base.OffsetTimeDigitized),
        ):
            when = _moment(photo.get(clock), photo.get(offset))
            if when is not None:
                return when
    return None


def _moment(clock: Any, offset: Any) -> datetime | None:
    match = _CLOCK.match(_text(clock))
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part) for part in match.groups())
    zone = _zone(offset)
    with contextlib.suppress(ValueError, OverflowError):
        when = datetime(year, month, day, hour, minute, second, tzinfo=zone or UTC)
        if year < _EARLIEST_YEAR or when > datetime.now(UTC) + timedelta(days=1):
            return None
        return when if zone else when.replace(tzinfo=None)
    return None


def _zone(offset: Any) -> timezone | None:
    match = _OFFSET.match(_text(offset))
    if match is None:
        return None
    sign, hours, minutes = match.groups()
    length = timedelta(hours=int(hours), minutes=int(minutes))
    if length > timedelta(hours=14):
        return None
    return timezone(-length if sign == "-" else length)


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace")
    return value.strip().strip("\0") if isinstance(value, str) else ""


def _position(found: Image.Exif) -> tuple[float, float] | tuple[None, None]:
    with contextlib.suppress(*DECODER_ERRORS):
        gps = found.get_ifd(ExifTags.IFD.GPSInfo)
        latitude = _degrees(gps, ExifTags.GPS.GPSLatitude, ExifTags.GPS.GPSLatitudeRef, "NS", 90)
        longitude = _degrees(gps, ExifTags.GPS.GPSLongitude, ExifTags.GPS.GPSLongitudeRef, "EW", 180)
        # Cameras without a fix write 0° N 0° E, a point in the Gulf of Guinea.
        if latitude is not None and longitude is not None and (latitude, longitude) != (0, 0):
            return latitude, longitude
    return None, None


def _degrees(gps: Mapping[int, Any], value: int, reference: int, signs: str, limit: float) -> float | None:
    parts, sign = gps.get(value), _text(gps.get(reference)).upper()[:1]
    if parts is None or sign not in tuple(signs):
        return None
    degrees, minutes, seconds = (*(float(part) for part in parts), 0.0, 0.0)[:3]
    total = degrees + minutes / 60 + seconds / 3600
    if not math.isfinite(total) or min(degrees, minutes, seconds) < 0 or total > limit:
        return None
    return -total if sign == signs[1] else total
