"""A few validation pictures, small enough to show, on which one can watch a network learn."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

PREVIEW_COUNT = 4
PREVIEW_PX = 320


@dataclass(frozen=True)
class Preview:
    """`rgb` uint8 (H, W, 3), longer side at most 320 px; `truth` and `mask` uint8 (H, W) of label indices, 255 = not
    judged (truth only). `mask` is what the network makes of the picture at its full size, scaled down with it."""

    name: str
    rgb: npt.NDArray[np.uint8]
    truth: npt.NDArray[np.uint8]
    mask: npt.NDArray[np.uint8]


def pictures_to_watch(pixels: npt.NDArray[np.int64], count: int = PREVIEW_COUNT) -> list[int]:
    """Rows of the pictures to show, `pixels` being int64 (pictures, labels): rarest labels first.

    For each label in turn the picture that has most of it among those not yet chosen, until there are `count`.
    """
    chosen: list[int] = []
    totals = pixels.sum(axis=0)
    labels = sorted(np.flatnonzero(totals).tolist(), key=lambda label: (int(totals[label]), label))
    while len(chosen) < min(count, len(pixels)):
        for label in labels or [0]:
            rest = [row for row in range(len(pixels)) if row not in chosen]
            if len(chosen) < count and rest:
                chosen.append(max(rest, key=lambda row: (int(pixels[row, label]), -row)))
    return sorted(chosen)


def small(name: str, rgb: npt.NDArray[np.uint8], truth: npt.NDArray[np.uint8], mask: npt.NDArray[np.uint8]) -> Preview:
    """A preview of pictures of any size."""
    height, width = truth.shape
    factor = min(1.0, PREVIEW_PX / max(height, width))
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    smaller = rgb if size == (width, height) else cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    return Preview(name, np.asarray(smaller, np.uint8), _scaled(truth, size), _scaled(mask, size))


def with_mask(preview: Preview, mask: npt.NDArray[np.uint8]) -> Preview:
    """The same picture with another mask, of the full size."""
    return dataclasses.replace(preview, mask=_scaled(mask, (preview.rgb.shape[1], preview.rgb.shape[0])))


def _scaled(mask: npt.NDArray[np.uint8], size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    if (mask.shape[1], mask.shape[0]) == size:
        return mask
    return np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST_EXACT), np.uint8)
