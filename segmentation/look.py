"""What a picture looks like as a whole: brightness, sharpness and warmth, to notice when a camera or a lamp changes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

_LONGER_SIDE_PX = 512
_AVERAGED_SIDE_PX = 1024


@dataclass(frozen=True)
class Look:
    """Whole numbers, so that sums of them are exact.

    `brightness` 0–10,000: mean luma (ITU-R BT.601), in ten-thousandths of white. `sharpness` 0–about 20,000:
    1,000 × log2(1 + variance of the Laplacian of the luma), the focus measure of Pech-Pacheco et al. 2000 ("Diatom
    autofocusing in brightfield microscopy"). `warmth` −10,000 to 10,000: mean red minus mean blue, in
    ten-thousandths of the full range.
    """

    brightness: int
    sharpness: int
    warmth: int


def look_at(rgb: npt.NDArray[np.uint8], longer_side_px: int | None = None) -> Look:
    """Look at a picture uint8 (H, W, 3); `longer_side_px` is its file's own, where it was decoded smaller.

    Larger ones are looked at in a copy of at most 512 pixels a side, so sharpness compares only pictures of one
    size. The copy is sampled, not averaged, which keeps what is sharp sharp, but for what is twice 1,024 pixels and
    more: of that, squares of 2, 4, 8 … pixels are averaged first, so that a JPEG decoded at such a share looks alike.
    """
    small = _reduced(_averaged(rgb, longer_side_px or max(rgb.shape[:2])))
    luma = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    red, _, blue, _ = cv2.mean(small)
    _, deviation = cv2.meanStdDev(cv2.Laplacian(luma, cv2.CV_16S))
    return Look(
        brightness=round(cv2.mean(luma)[0] / 255 * 10_000),
        sharpness=round(1_000 * math.log2(1 + float(deviation[0, 0]) ** 2)),
        warmth=round((red - blue) / 255 * 10_000),
    )


def _reduced(rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    height, width = rgb.shape[:2]
    scale = _LONGER_SIDE_PX / max(height, width)
    if scale >= 1:
        return rgb
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_LINEAR), np.uint8)


def averaged_share(longer_side_px: int) -> int:
    """How many pixels a side are averaged into one: the power of two that leaves 1,024 to 2,047."""
    return 1 << max(0, (longer_side_px // _AVERAGED_SIDE_PX).bit_length() - 1)


def _averaged(rgb: npt.NDArray[np.uint8], longer_side_px: int) -> npt.NDArray[np.uint8]:
    """What is still to be averaged of a picture that may have been decoded smaller already."""
    left = averaged_share(longer_side_px) * max(rgb.shape[:2]) / longer_side_px
    if left <= 1:
        return rgb
    size = (max(1, round(rgb.shape[1] / left)), max(1, round(rgb.shape[0] / left)))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
