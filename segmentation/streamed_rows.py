"""JPEG and PNG decoded row by row, by libvips: in the order of the file, in the memory of some rows."""

from __future__ import annotations

import logging
import os
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from segmentation.pixel_modes import brightest_of, samples_to_rgb, white_of
from segmentation.truncation import Content

_TYPES: dict[str, np.dtype[Any]] = {"uchar": np.dtype(np.uint8), "ushort": np.dtype(np.uint16)}
# libvips hands out a file in order only by blocks like these.
_BLOCK_ROWS = 128


@cache
def _vips() -> Any:
    """The library, loaded when first used: by the process that reads, not by one that starts others."""
    # Threads of its own would hold rows of their own.
    os.environ.setdefault("VIPS_CONCURRENCY", "1")
    pyvips = import_module("pyvips")
    # Nothing is asked for twice, so nothing is kept for that. What is wrong with a file is raised as well.
    pyvips.cache_set_max(0)
    logging.getLogger("pyvips").setLevel(logging.CRITICAL)
    return pyvips


def may_be_streamed(format: str, mode: str) -> bool:
    """By Pillow's names: PNGs, and JPEGs of colours or greys. CMYK is not read here."""
    return format == "PNG" or (format in ("JPEG", "MPO") and mode in ("RGB", "L"))


class StreamedRows:
    """Greys or colours of 8 or 16 bits, with opacity or without; see `rasters.Raster`. 16 bits are scaled as in TIFFs.

    Rows are decoded once from top to bottom. Asked for rows above the last ones it begins again. Of a progressive JPEG
    or an interlaced PNG libvips holds all of it; see `whole.reason_to_refuse`.
    """

    block_rows = _BLOCK_ROWS

    def __init__(self, source: Path | Content, image: Any) -> None:
        self._source, self._image = source, image
        self.height, self.width = int(image.height), int(image.width)
        self._opacity_at = int(image.bands) - 1 if image.hasalpha() else None
        self._type = _TYPES[image.format]
        self._kept_top, self._kept = 0, self._no_rows()
        self._white: float | None = None

    @classmethod
    def opened(cls, source: Path | Content, height: int, width: int) -> StreamedRows | None:
        """None where the layout is not one of those read here, or libvips finds another size than the header tells."""
        try:
            image = _opened(source)
        except _vips().Error:
            return None
        colours = image.bands - 1 if image.hasalpha() else image.bands
        if (image.height, image.width) != (height, width) or colours not in (1, 3) or image.format not in _TYPES:
            return None
        return cls(source, image)

    def rows(self, top: int, bottom: int) -> npt.NDArray[np.uint8]:
        """ValueError where the file is damaged."""
        white = 255.0 if self._type == np.uint8 else self._white_level()
        return samples_to_rgb(self._samples(top, bottom), white, opacity_at=self._opacity_at)

    def forget(self, bottom: int) -> None:
        """Nothing is kept but the rows asked for last."""

    def _samples(self, top: int, bottom: int) -> npt.NDArray[Any]:
        """(rows, W, S); rows that are there are not decoded again."""
        try:
            if top < self._kept_top:
                self._image, self._kept_top, self._kept = _opened(self._source), 0, self._no_rows()
            found = self._found(top, bottom)
        except _vips().Error as error:
            raise ValueError(str(error).strip().splitlines()[-1].strip()) from error
        self._kept_top, self._kept = top, found
        return found[: bottom - top]

    def _found(self, top: int, bottom: int) -> npt.NDArray[Any]:
        """These rows and those that come with their last block. What was kept is let go before others are decoded."""
        decoded = self._kept_top + len(self._kept)
        end = max(decoded, min(self.height, -(-bottom // _BLOCK_ROWS) * _BLOCK_ROWS))
        found = np.empty((end - top, self.width, int(self._image.bands)), self._type)
        found[: max(0, decoded - top)] = self._kept[top - self._kept_top :]
        self._kept = self._no_rows()
        for first in range(decoded, end, _BLOCK_ROWS):
            block = self._decoded(first, min(self.height, first + _BLOCK_ROWS))
            wanted = max(top, first)
            found[wanted - top : first - top + len(block)] = block[wanted - first :]
        return found

    def _decoded(self, top: int, bottom: int) -> npt.NDArray[Any]:
        content = self._image.crop(0, top, self.width, bottom - top).write_to_memory()
        samples = np.frombuffer(content, self._type)
        return samples.reshape((bottom - top, self.width, int(self._image.bands)))

    def _no_rows(self) -> npt.NDArray[Any]:
        return np.empty((0, self.width, self._image.bands), self._type)

    def _white_level(self) -> float:
        """By the brightest sample of the whole picture, so that all its rows are scaled alike."""
        if self._white is None:
            whole = StreamedRows(self._source, _opened(self._source))
            tops = range(0, self.height, _BLOCK_ROWS)
            bands = (whole._samples(top, min(self.height, top + _BLOCK_ROWS)) for top in tops)
            self._white = white_of(max(brightest_of(band[:, :, : self._opacity_at]) for band in bands), is_float=False)
        return self._white


def _opened(source: Path | Content) -> Any:
    options = {"access": "sequential", "fail_on": "truncated"}
    if isinstance(source, Path):
        return _vips().Image.new_from_file(str(source), **options)
    return _vips().Image.new_from_buffer(source, "", **options)
