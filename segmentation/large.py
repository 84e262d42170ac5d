"""Pictures read in bands through a network: mask and sums, never all pixels and all that is made of them at once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from segmentation.look import averaged_share
from segmentation.measure_strips import ConfidenceSums
from segmentation.rasters import Raster, averaged_down
from segmentation.segmenter import DecidedBlock, Segmenter
from segmentation.underway import ScaledPicture


def small_copy(raster: Raster) -> npt.NDArray[np.uint8]:
    """uint8 (h, w, 3) for thumbnail and look: 1,024 to 2,047 pixels on the longer side of what has more."""
    share = averaged_share(max(raster.height, raster.width))
    if share == 1:
        return raster.rows(0, raster.height).copy()
    return averaged_down(raster, (-(-raster.height // share), -(-raster.width // share)))


def segment_raster(
    segmenter: Segmenter, raster: Raster, label_map: npt.NDArray[np.uint8] | None = None
) -> tuple[npt.NDArray[np.uint8], ConfidenceSums]:
    """Mask uint8 (H, W) after `label_map` and what it takes to know the mean confidence of each label in it."""
    mask = np.empty((raster.height, raster.width), np.uint8)
    sums = ConfidenceSums()
    for top, left, found, confidence in _blocks(segmenter, raster):
        mapped = found if label_map is None else label_map[found]
        mask[top : top + mapped.shape[0], left : left + mapped.shape[1]] = mapped
        sums.add(mapped, confidence)
    return mask, sums


def _blocks(segmenter: Segmenter, raster: Raster) -> Iterator[DecidedBlock]:
    size = segmenter.network_size(raster.height, raster.width)
    if size == (raster.height, raster.width):
        yield from segmenter.decided_blocks(raster)
        return
    pixels = averaged_down(raster, size)
    raster.forget(raster.height)
    yield from segmenter.decided_bands(ScaledPicture(pixels, raster.height, raster.width))
