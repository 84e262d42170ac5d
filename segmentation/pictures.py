"""Opening pictures that strangers sent: one decoder for upload, training and inference.

Everything a person uploads is hostile until proved otherwise, so a file is opened only as one of `FORMATS`,
its sizes are held against `PictureLimits` before a pixel is decoded, and whatever Pillow or a codec raises
comes out as `PictureError` with a reason a person can read.
"""

from __future__ import annotations

import mmap
import os
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pi_heif
from PIL import Image, ImageFile, UnidentifiedImageError

from segmentation import decoding, exif, swelling, truncation, whole
from segmentation.file_kinds import looks_like
from segmentation.georeference import Georeference, read_georeference
from segmentation.pixel_modes import to_rgb
from segmentation.truncation import Content, as_file

pi_heif.register_heif_opener()
# Pillow's own limit is one global number far below PictureLimits; every picture of ours is checked below.
Image.MAX_IMAGE_PIXELS = None

FORMATS = ("JPEG", "PNG", "TIFF", "WEBP", "BMP", "GIF", "HEIF")
_NAMES = {"MPO": "JPEG", "HEIF": "HEIC", "WEBP": "WebP"}
_PILLOW_IS_QUIET = ("ignore", None, Warning, re.compile(r"PIL\."), 0)
_HEAD_BYTES = 1024
_READ_WHOLE_BYTES = 64_000_000
LEAST_SIDE_PX = 1024
"""No picture is decoded smaller than that: thumbnails and the look of a picture are made of it as well."""
_END_MISSING = re.compile("truncated|too early|end of file|EOF", re.IGNORECASE)
# Pillow's words for compressed texts and profiles beyond its limits.
_BYTES = re.compile(r" \([^()]*b['\"].*\)", re.DOTALL)
_SWELLING = re.compile("Decompressed data too large|Too much memory used in text chunks")


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
    `latitude` and `longitude` are in degrees, north and east positive, both or neither; of a GeoTIFF the middle's.
    """

    format: str
    width: int
    height: int
    captured_at: datetime | None
    latitude: float | None
    longitude: float | None
    georeference: Georeference | None = None


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
    georeference = read_georeference(path) if pillow_format == "TIFF" else None
    latitude, longitude = found.position
    if latitude is None and georeference is not None:
        latitude, longitude = georeference.latitude, georeference.longitude
    return PictureFacts(
        format=_NAMES.get(pillow_format, pillow_format),
        width=width,
        height=height,
        captured_at=found.captured_at,
        latitude=latitude,
        longitude=longitude,
        georeference=georeference,
    )


@dataclass(frozen=True)
class Stored:
    """How a file holds its picture: Pillow's names of format and mode, sides as stored, whether that is upright."""

    format: str
    mode: str
    height: int
    width: int
    is_upright: bool


def stored(path: str | os.PathLike[str], *, limits: PictureLimits = DEFAULT_LIMITS) -> Stored:
    """Of a file with an accepted header, decoding nothing; PictureError where it has none."""
    content = _content(Path(path), limits)
    with _opened(content, limits) as image:
        is_upright = exif.read(image, content).orientation == 1
        return Stored(str(image.format), image.mode, image.height, image.width, is_upright)


def read_rgb(path: str | os.PathLike[str], *, limits: PictureLimits = DEFAULT_LIMITS) -> npt.NDArray[np.uint8]:
    """Decode a picture to uint8 (H, W, 3), EXIF-oriented. Animations give their first frame.

    Greys deeper than 8 bits are scaled to 8, transparency is laid on white, CMYK and palettes become RGB.
    Colour profiles are not applied. PictureError where the file is no whole picture.
    """
    content = _content(Path(path), limits)
    with _opened(content, limits) as image:
        return _upright_rgb(image, content, exif.read(image, content))


@dataclass(frozen=True)
class ReducedPicture:
    """`rgb` uint8 (h, w, 3), upright, of a picture of `height` × `width` pixels: all, or 1 for 2, 4 or 8 a side."""

    rgb: npt.NDArray[np.uint8]
    height: int
    width: int


def read_reduced(
    path: str | os.PathLike[str],
    wanted_size: Callable[[int, int], tuple[int, int]],
    *,
    limits: PictureLimits = DEFAULT_LIMITS,
) -> ReducedPicture:
    """Like `read_rgb`, but a JPEG is decoded no larger than it takes: `wanted_size` of its height and width.

    A JPEG's cosines give a picture of 1/2, 1/4 or 1/8 of its sides for a fraction of the work. That is done where both
    sides divide, so that every pixel stands for a whole square, and never below LEAST_SIDE_PX of the longer side.
    """
    content = _content(Path(path), limits)
    with _opened(content, limits) as image:
        found = exif.read(image, content)
        width, height = exif.oriented_size(image, found)
        share = _jpeg_share(image, height, width, wanted_size(height, width))
        return ReducedPicture(_upright_rgb(image, content, found, share), height, width)


def _upright_rgb(
    image: ImageFile.ImageFile, content: Content, found: exif.Exif, share: int = 1
) -> npt.NDArray[np.uint8]:
    """Pixels of an opened picture; of a JPEG one of `share` a side."""
    plain = decoding.by_rows(image, content) if share == 1 else None
    if plain is None:
        plain = decoding.plain_jpeg(image, content, share)
    if plain is None:
        plain = decoding.plain_webp(image, content)
    if plain is not None:
        return exif.upright_pixels(plain, found)
    if reason := whole.reason_not_by_pillow(image):
        raise PictureError(reason)
    if share > 1:
        image.draft(None, (image.width // share, image.height // share))
    image.load()
    return to_rgb(exif.upright(image, found))


def _jpeg_share(image: Image.Image, height: int, width: int, wanted: tuple[int, int]) -> int:
    """How many pixels a side may become one: 1, 2, 4 or 8."""
    if image.format not in ("JPEG", "MPO"):
        return 1
    for share in (8, 4, 2):
        small = height // share, width // share
        is_whole = not (height % share or width % share)
        if is_whole and small[0] >= wanted[0] and small[1] >= wanted[1] and max(small) >= LEAST_SIDE_PX:
            return share
    return 1


@contextmanager
def opened_picture(
    path: str | os.PathLike[str], *, limits: PictureLimits = DEFAULT_LIMITS
) -> Iterator[ImageFile.ImageFile]:
    """A picture opened by Pillow, within the limits; what goes wrong inside comes out as PictureError."""
    with _opened(_content(Path(path), limits), limits) as image:
        yield image


def header_size(path: str | os.PathLike[str]) -> tuple[int, int]:
    """Height and width as stored, by a picture's header, which is all that is read; zeros where it cannot be."""
    _hush_pillow()
    try:
        content = _mapped(Path(path))
        if swelling.reason_to_refuse(content):
            return 0, 0
        with Image.open(as_file(content), formats=FORMATS) as image:
            return image.height, image.width
    except (*exif.DECODER_ERRORS, MemoryError):
        return 0, 0


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


def _content(path: Path, limits: PictureLimits) -> Content:
    """A file's bytes; of a large one without reading them before somebody looks."""
    try:
        size = path.stat().st_size
        if reason := too_large(size, limits):
            raise PictureError(reason)
        content = path.read_bytes() if size <= _READ_WHOLE_BYTES else _mapped(path)
    except FileNotFoundError as error:
        raise PictureError("is missing: no such file") from error
    except OSError as error:
        raise PictureError(f"cannot be read: {error.strerror or error}") from error
    if not content:
        raise PictureError("is empty")
    return content


def _mapped(path: Path) -> mmap.mmap:
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


@contextmanager
def _opened(content: Content, limits: PictureLimits) -> Iterator[ImageFile.ImageFile]:
    """The file opened and its size checked; whatever goes wrong inside comes out as PictureError."""
    _hush_pillow()
    if reason := swelling.reason_to_refuse(content):
        raise PictureError(reason)
    try:
        with Image.open(as_file(content), formats=FORMATS) as image:
            _check_size(image, limits)
            if reason := whole.reason_to_refuse(image, content):
                raise PictureError(reason)
            yield image
    except PictureError:
        raise
    except UnidentifiedImageError as error:
        raise PictureError(_not_an_image(content)) from error
    except MemoryError as error:
        raise PictureError("needs more memory than this machine has") from error
    except exif.DECODER_ERRORS as error:
        if truncation.is_shorter_than_it_says(content) or _END_MISSING.search(str(error)):
            raise PictureError("is damaged: the file ends too early") from error
        raise PictureError(_damage(error)) from error


def _damage(error: Exception) -> str:
    # What quotes bytes or names a Python object tells a person nothing.
    text = _BYTES.sub("", str(error)).strip()
    if _SWELLING.search(text):
        return "is damaged or hostile: a text or profile in it unpacks to more than a megabyte"
    return f"is damaged: {text if text and '<' not in text else type(error).__name__}"


def _not_an_image(content: Content) -> str:
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
