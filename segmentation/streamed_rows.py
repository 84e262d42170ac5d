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

from segmentation.pictures import PictureError
from segmentation.pixel_modes import brightest_of, to_8_bit, white_of

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


class StreamedRows:
    """A picture of one or three colours with 8 or 16 bits; see `rasters.Raster`. 16 bits are scaled as in TIFFs.

    Rows are decoded once from top to bottom. Asked for rows above the last ones it begins again.
    """

    def __init__(self, path: Path, image: Any) -> None:
        self._path, self._image = path, image
        self.height, self.width = int(image.height), int(image.width)
        self._type = _TYPES[image.format]
        self._kept_top, self._kept = 0, self._no_rows()
        self._white: float | None = None

    @classmethod
    def opened(cls, path: Path, height: int, width: int) -> StreamedRows | None:
        """None where the layout is not one of those read here, or libvips finds another size than the header tells."""
        try:
            image = _opened(path)
        except _vips().Error:
            return None
        if (image.height, image.width) != (height, width) or image.bands not in (1, 3) or image.format not in _TYPES:
            return None
        return cls(path, image)

    def rows(self, top: int, bottom: int) -> npt.NDArray[np.uint8]:
        samples = self._samples(top, bottom)
        values = samples if samples.dtype == np.uint8 else to_8_bit(samples, self._white_level())
        return values if values.shape[2] == 3 else np.repeat(values, 3, axis=2)

    def forget(self, bottom: int) -> None:
        """Nothing is kept but the rows asked for last."""

    def _samples(self, top: int, bottom: int) -> npt.NDArray[Any]:
        """(rows, W, S); rows that are there are not decoded again. PictureError where they are damaged."""
        try:
            if top < self._kept_top:
                self._image, self._kept_top, self._kept = _opened(self._path), 0, self._no_rows()
            parts, decoded = [self._kept], self._kept_top + len(self._kept)
            while decoded < bottom:
                parts.append(self._decoded(decoded, min(self.height, decoded + _BLOCK_ROWS)))
                decoded += len(parts[-1])
        except _vips().Error as error:
            raise PictureError(f"is damaged: {str(error).strip().splitlines()[-1].strip()}") from error
        whole = np.concatenate(parts) if len(parts) > 1 else self._kept
        self._kept_top, self._kept = top, whole[top - self._kept_top :]
        return self._kept[: bottom - top]

    def _decoded(self, top: int, bottom: int) -> npt.NDArray[Any]:
        content = self._image.crop(0, top, self.width, bottom - top).write_to_memory()
        samples = np.frombuffer(content, self._type)
        return samples.reshape((bottom - top, self.width, int(self._image.bands)))

    def _no_rows(self) -> npt.NDArray[Any]:
        return np.empty((0, self.width, self._image.bands), self._type)

    def _white_level(self) -> float:
        """By the brightest sample of the whole picture, so that all its rows are scaled alike."""
        if self._white is None:
            whole = StreamedRows(self._path, _opened(self._path))
            tops = range(0, self.height, _BLOCK_ROWS)
            bands = (whole._samples(top, min(self.height, top + _BLOCK_ROWS)) for top in tops)
            self._white = white_of(max(brightest_of(band) for band in bands), is_float=False)
        return self._white


def _opened(path: Path) -> Any:
    return _vips().Image.new_from_file(str(path), access="sequential", fail_on="truncated")
