"""Pictures too large to be held in memory with all that is made of them: read as bands of rows."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

from segmentation.pictures import (
    DEFAULT_LIMITS,
    PictureError,
    PictureLimits,
    opened_picture,
    read_reduced,
    read_rgb,
    stored,
)
from segmentation.scaling import reduced
from segmentation.streamed_rows import StreamedRows, may_be_streamed
from segmentation.tiff_rows import BROKEN, TiffRows

LARGE_PIXELS = 64_000_000
"""Pictures with more pixels are read in bands where their format allows it."""

_BAND_PIXELS = 16_000_000


class Raster(Protocol):
    """An upright picture. `rows` gives uint8 (bottom - top, width, 3), never of rows above what was forgotten."""

    height: int
    width: int

    def rows(self, top: int, bottom: int) -> npt.NDArray[np.uint8]: ...
    def forget(self, bottom: int) -> None: ...


@contextmanager
def opened_raster(path: str | os.PathLike[str], *, limits: PictureLimits = DEFAULT_LIMITS) -> Iterator[Raster]:
    """A picture to be read by rows. PictureError where the file is no whole picture.

    TIFFs are decoded strip by strip or tile by tile, PNGs and JPEGs of colours or greys row by row; all others, and
    those stored lying on their side, as `read_rgb` does.
    """
    found = stored(path, limits=limits)
    if found.format == "TIFF" and found.is_upright:
        tiff = TiffRows.opened(Path(path))
        if tiff is not None:
            with tiff:
                yield _Told(tiff)
            return
    is_streamed = found.is_upright and may_be_streamed(found.format, found.mode)
    streamed = StreamedRows.opened(Path(path), found.height, found.width) if is_streamed else None
    yield _Told(streamed) if streamed else _WholeRows(read_rgb(path, limits=limits))


def bands(raster: Raster) -> Iterator[tuple[int, npt.NDArray[np.uint8]]]:
    """First row and rows uint8 (h, W, 3) of some 16 million pixels each, from top to bottom."""
    step = max(1, _BAND_PIXELS // raster.width)
    for top in range(0, raster.height, step):
        yield top, raster.rows(top, min(raster.height, top + step))


def averaged_down(raster: Raster, size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """uint8 (h, w, 3) of this size, not larger than the picture: every pixel the mean of the area it stands for."""
    height, width = size
    total = np.zeros((height, width * 3), np.float32)
    per_row = raster.height / height
    for top, band in bands(raster):
        narrow = cv2.resize(band, (width, band.shape[0]), interpolation=cv2.INTER_AREA).reshape(band.shape[0], -1)
        first, last = int(top / per_row), min(height, int(np.ceil((top + band.shape[0]) / per_row)))
        total[first:last] += _shares(top, band.shape[0], first, last, per_row) @ narrow.astype(np.float32)
    return np.clip(np.rint(total / np.float32(per_row)), 0, 255).astype(np.uint8).reshape(height, width, 3)


def read_at_most(
    path: str | os.PathLike[str], side_px: int, *, limits: PictureLimits = DEFAULT_LIMITS
) -> npt.NDArray[np.uint8]:
    """uint8 (h, w, 3) of a picture, its longer side at most `side_px`, without holding a large one in memory."""
    with opened_picture(path, limits=limits) as image:
        is_large = image.width * image.height > LARGE_PIXELS

    def wanted(height: int, width: int) -> tuple[int, int]:
        scale = min(1.0, side_px / max(height, width))
        return max(1, round(height * scale)), max(1, round(width * scale))

    if not is_large:
        picture = read_reduced(path, wanted, limits=limits)
        return reduced(picture.rgb, wanted(picture.height, picture.width))
    with opened_raster(path, limits=limits) as raster:
        return averaged_down(raster, wanted(raster.height, raster.width))


def _shares(top: int, count: int, first: int, last: int, per_row: float) -> npt.NDArray[np.float32]:
    """(last - first, count): how much of each of these rows lies in each of the rows they are averaged to."""
    row = np.arange(top, top + count, dtype=np.float64)[None, :]
    start = np.arange(first, last, dtype=np.float64)[:, None] * per_row
    return np.clip(np.minimum(row + 1, start + per_row) - np.maximum(row, start), 0, 1).astype(np.float32)


class _WholeRows:
    """A picture that is in memory as it is."""

    def __init__(self, rgb: npt.NDArray[np.uint8]) -> None:
        self._rgb = rgb
        self.height, self.width = rgb.shape[:2]

    def rows(self, top: int, bottom: int) -> npt.NDArray[np.uint8]:
        return self._rgb[top:bottom]

    def forget(self, bottom: int) -> None:
        pass


class _Told:
    """Rows of a file that may turn out to be damaged on the way: then PictureError."""

    def __init__(self, rows: TiffRows | StreamedRows) -> None:
        self._rows = rows
        self.height, self.width = rows.height, rows.width

    def rows(self, top: int, bottom: int) -> npt.NDArray[np.uint8]:
        try:
            return self._rows.rows(top, bottom)
        except EOFError as error:
            raise PictureError("is damaged: the file ends too early") from error
        except BROKEN as error:
            raise PictureError(f"is damaged: {str(error) or type(error).__name__}") from error

    def forget(self, bottom: int) -> None:
        self._rows.forget(bottom)
