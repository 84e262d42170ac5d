"""Pixels of an opened picture by whatever decoder takes least memory and time; Pillow decodes the rest."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
from PIL import ImageFile

from segmentation import truncation, whole
from segmentation.pixel_modes import samples_to_rgb
from segmentation.streamed_rows import StreamedRows, may_be_streamed
from segmentation.tiff_rows import TiffRows
from segmentation.truncation import Content, as_file

# Larger ones are decoded by rows where their format allows it, which holds no copy beside what comes of them.
_BY_ROWS_PIXELS = 64_000_000
_BAND_PIXELS, _LARGEST_BAND_PIXELS = 2_000_000, 16_000_000
_OPENCV_SHARES = {
    1: cv2.IMREAD_COLOR_BGR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}


def by_rows(image: ImageFile.ImageFile, content: Content) -> npt.NDArray[np.uint8] | None:
    """Large JPEGs, PNGs and TIFFs, and colours of 16 bits, of which Pillow would drop the lower 8; else None."""
    is_large = image.width * image.height > _BY_ROWS_PIXELS
    if image.format == "TIFF" and (is_large or _has_deep_colours(image)):
        rows = TiffRows.opened(as_file(content))
        if rows is not None:
            with rows:
                return _filled(rows)
    is_deep = image.format == "PNG" and content[24] == 16 and image.mode in ("RGB", "RGBA", "LA")
    if is_deep or (is_large and may_be_streamed(str(image.format), image.mode)):
        streamed = StreamedRows.opened(content, image.height, image.width)
        return None if streamed is None else _filled(streamed)
    return None


def _has_deep_colours(image: ImageFile.ImageFile) -> bool:
    return image.mode.startswith("RGB") and max(image.tag_v2.get(258, (8,))) > 8  # type: ignore[attr-defined]


def _filled(rows: TiffRows | StreamedRows) -> npt.NDArray[np.uint8]:
    """All of it, by bands of some rows: as many as are decoded together, unless these are too many."""
    rgb = np.empty((rows.height, rows.width, 3), np.uint8)
    block = rows.block_rows * max(1, _BAND_PIXELS // (rows.width * rows.block_rows))
    step = max(1, min(block, _LARGEST_BAND_PIXELS // rows.width))
    for top in range(0, rows.height, step):
        rgb[top : top + step] = rows.rows(top, min(rows.height, top + step))
    return rgb


def plain_webp(image: ImageFile.ImageFile, content: Content) -> npt.NDArray[np.uint8] | None:
    """A still WebP by OpenCV, which gives Pillow's very pixels in a third of the memory; None for all others."""
    if image.format != "WEBP" or whole.is_animated_webp(content):
        return None
    try:
        found = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None
    if found is None or found.shape[:2] != (image.height, image.width) or found.dtype != np.uint8:
        return None
    pixels = _turned_round(np.asarray(found, np.uint8))
    return pixels if pixels.shape[2] == 3 else samples_to_rgb(pixels, 255, opacity_at=3)


def _turned_round(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Blue, green and red to red, green and blue, in place: by parts, for OpenCV copies what it is given."""
    code = cv2.COLOR_BGR2RGB if pixels.shape[2] == 3 else cv2.COLOR_BGRA2RGBA
    step = max(1, _BAND_PIXELS // pixels.shape[1])
    for top in range(0, len(pixels), step):
        part = pixels[top : top + step]
        cv2.cvtColor(part, code, dst=part)
    return pixels


def plain_jpeg(image: ImageFile.ImageFile, content: Content, share: int) -> npt.NDArray[np.uint8] | None:
    """A JPEG of three colours by OpenCV, which gives Pillow's very pixels in half the time; None for all others.

    Of files without their end it makes grey pictures, and of broken ones nothing: Pillow says what is wrong with them.
    """
    if image.format not in ("JPEG", "MPO") or image.mode != "RGB" or not truncation.jpeg_has_end(content):
        return None
    size = (image.height // share, image.width // share, 3)
    try:
        found = cv2.imdecode(np.frombuffer(content, np.uint8), _OPENCV_SHARES[share] | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:
        return None
    if found is None or found.shape != size or found.dtype != np.uint8:
        return None
    return _turned_round(np.asarray(found, np.uint8))
