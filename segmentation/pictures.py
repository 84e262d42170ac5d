"""Opening pictures that strangers sent: one decoder for upload, training and inference.

Everything a person uploads is hostile until proved otherwise, so a file is opened only as one of `FORMATS`,
its sizes are held against `PictureLimits` before a pixel is decoded, and whatever Pillow or a codec raises
comes out as `PictureError` with a reason a person can read.
"""

from __future__ import annotations

import io
import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pi_heif
from PIL import Image, ImageFile, UnidentifiedImageError

from segmentation import exif, truncation
from segmentation.file_kinds import looks_like
from segmentation.pixel_modes import to_rgb

pi_heif.register_heif_opener()
# Pillow's own limit is one global number far below PictureLimits; every picture of ours is checked below.
Image.MAX_IMAGE_PIXELS = None

FORMATS = ("JPEG", "PNG", "TIFF", "WEBP", "BMP", "GIF", "HEIF")
_NAMES = {"MPO": "JPEG", "HEIF": "HEIC", "WEBP": "WebP"}
_PILLOW_IS_QUIET = ("ignore", None, Warning, re.compile(r"PIL\."), 0)
_HEAD_BYTES = 1024
_END_MISSING = re.compile("truncated|too early|end of file|EOF", re.IGNORECASE)

# What decoders are known to raise on broken files; none of it is a fault of the caller.
_DECODER_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    RuntimeError,
    EOFError,
)


class PictureError(ValueError):
    """A file that is no usable picture. The text continues a sentence about it: "photo.jpg …"."""


@dataclass(frozen=True)
class PictureLimits:
    """What is accepted: file size in bytes, pixels in all, pixels of the longer side."""

    max_bytes: int = 200_000_000
    max_pixels: int = 400_000_000
    max_side_px: int = 60_000


@dataclass(frozen=True)
class PictureFacts:
    """What a picture's header says. `width` and `height` in pixels as a person sees it (EXIF-oriented).

    `captured_at` is aware where EXIF has the camera's UTC offset, else naive: the camera's clock, wherever it was.
    `latitude` and `longitude` are in degrees, north and east positive, both or neither.
    """

    format: str
    width: int
    height: int
    captured_at: datetime | None
    latitude: float | None
    longitude: float | None


DEFAULT_LIMITS = PictureLimits()


def inspect_picture(path: str | os.PathLike[str], *, limits: PictureLimits = DEFAULT_LIMITS) -> PictureFacts:
    """Check that a file is a whole picture of an accepted format and read its facts, decoding little.

    PictureError says in words what is wrong: empty, too large, not an image, damaged, cut off.
    """
    path = Path(path)
    content = _content(path, limits)
    with _opened(content, limits) as image:
        pillow_format = str(image.format)
        found = exif.read(image, content)
        width, height = exif.oriented_size(image, found)
        if truncation.ends_too_early(content, image):
            raise PictureError("is damaged: the file ends too early")
        image.verify()
    latitude, longitude = found.position
    return PictureFacts(
        format=_NAMES.get(pillow_format, pillow_format),
        width=width,
        height=height,
        captured_at=found.captured_at,
        latitude=latitude,
        longitude=longitude,
    )


def read_rgb(path: str | os.PathLike[str], *, limits: PictureLimits = DEFAULT_LIMITS) -> npt.NDArray[np.uint8]:
    """Decode a picture to uint8 (H, W, 3), EXIF-oriented. Animations give their first frame.

    Greys deeper than 8 bits are scaled to 8, transparency is laid on white, CMYK and palettes become RGB.
    Colour profiles are not applied. PictureError where the file is no whole picture.
    """
    content = _content(Path(path), limits)
    with _opened(content, limits) as image:
        found = exif.read(image, content)
        image.load()
        return to_rgb(exif.upright(image, found))


@contextmanager
def opened_picture(
    path: str | os.PathLike[str], *, limits: PictureLimits = DEFAULT_LIMITS
) -> Iterator[ImageFile.ImageFile]:
    """A picture opened by Pillow, within the limits; what goes wrong inside comes out as PictureError."""
    with _opened(_content(Path(path), limits), limits) as image:
        yield image


def header_pixels(path: str | os.PathLike[str]) -> int:
    """Width × height by a picture's header, which is all that is read; 0 where it cannot be."""
    _hush_pillow()
    try:
        with Image.open(path, formats=FORMATS) as image:
            return image.width * image.height
    except (*_DECODER_ERRORS, MemoryError):
        return 0


def thumbnail(rgb: npt.NDArray[np.uint8], side_px: int) -> bytes:
    """WebP of a picture uint8 (H, W, 3), its longer side at most `side_px`; small ones keep their size."""
    height, width = rgb.shape[:2]
    scale = min(1.0, side_px / max(height, width))
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        rgb = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
    done, encoded = cv2.imencode(".webp", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_WEBP_QUALITY, 80])
    if not done:
        raise ValueError(f"a thumbnail of {width} × {height} pixels could not be encoded as WebP")
    return encoded.tobytes()


def too_large(size_bytes: int, limits: PictureLimits = DEFAULT_LIMITS) -> str | None:
    """Why a file of this size is not accepted, as PictureError says it; None where it is."""
    if size_bytes <= limits.max_bytes:
        return None
    return f"has {size_bytes / 1e6:,.1f} MB; at most {limits.max_bytes / 1e6:,g} MB are accepted"


def _hush_pillow() -> None:
    """Its remarks about odd metadata help nobody. Asked for each time, for filters are often replaced."""
    if _PILLOW_IS_QUIET not in warnings.filters:
        warnings.filterwarnings("ignore", module=r"PIL\.")


def _content(path: Path, limits: PictureLimits) -> bytes:
    try:
        size = path.stat().st_size
        if reason := too_large(size, limits):
            raise PictureError(reason)
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise PictureError("is missing: no such file") from error
    except OSError as error:
        raise PictureError(f"cannot be read: {error.strerror or error}") from error
    if not content:
        raise PictureError("is empty")
    return content


@contextmanager
def _opened(content: bytes, limits: PictureLimits) -> Iterator[ImageFile.ImageFile]:
    """The file opened and its size checked; whatever goes wrong inside comes out as PictureError."""
    _hush_pillow()
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            _check_size(image, limits)
            yield image
    except PictureError:
        raise
    except UnidentifiedImageError as error:
        raise PictureError(_not_an_image(content)) from error
    except MemoryError as error:
        raise PictureError("needs more memory than this machine has") from error
    except _DECODER_ERRORS as error:
        if truncation.is_shorter_than_it_says(content) or _END_MISSING.search(str(error)):
            raise PictureError("is damaged: the file ends too early") from error
        raise PictureError(f"is damaged: {str(error) or type(error).__name__}") from error


def _not_an_image(content: bytes) -> str:
    kind = looks_like(content[:_HEAD_BYTES])
    if kind.is_accepted and truncation.is_shorter_than_it_says(content):
        return "is damaged: the file ends too early"
    if kind.is_accepted:
        return f"is damaged: it begins like {kind.name}, but its header cannot be read"
    if kind.name:
        return f"is not an image that can be read here (looks like {kind.name})"
    return "is not an image"


def _check_size(image: Image.Image, limits: PictureLimits) -> None:
    width, height = image.size
    if width < 1 or height < 1:
        raise PictureError(f"is damaged: its header says {width} × {height} pixels")
    if max(width, height) > limits.max_side_px:
        raise PictureError(f"is {width:,} × {height:,} pixels; the longest side may be {limits.max_side_px:,} pixels")
    if width * height > limits.max_pixels:
        raise PictureError(
            f"is {width:,} × {height:,} pixels; at most {limits.max_pixels / 1e6:,g} million pixels are accepted"
        )
