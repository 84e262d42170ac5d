"""People made unrecognisable before a picture is kept."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]
FindPeople = Callable[[Picture], npt.NDArray[np.bool_]]
"""uint8 (H, W, 3) → bool (H, W), true on people."""

MARGIN_SHARE = 0.02
"""What is obscured reaches this share of the picture's longer side beyond what was found: outlines are rarely exact."""

_LEAST_MARGIN_PX = 4
_LEAST_BLOCK_PX = 16
_BLOCKS_A_PERSON = 8


def obscured(rgb: Picture, people: npt.NDArray[np.bool_]) -> Picture:
    """A copy of a picture uint8 (H, W, 3) in which people, bool (H, W), are mosaics of few blocks.

    Each block holds one colour, the mean of what it covers: an eighth of the longer side of a person (or of people who
    touch), and at least 16 pixels. What was within a block cannot be worked out from it; that somebody stood there, how
    tall and in which colours, still shows. ValueError where the sizes differ.
    """
    if people.shape != rgb.shape[:2]:
        raise ValueError(f"people are marked in a picture's own size {rgb.shape[:2]}, not {people.shape}")
    if not people.any():
        return rgb.copy()
    grown = _grown(people)
    result = rgb.copy()
    _, _, boxes, _ = cv2.connectedComponentsWithStats(grown, connectivity=8)
    for left, top, width, height, _ in boxes[1:].tolist():
        place = np.s_[top : top + height, left : left + width]
        inside = grown[place].astype(bool)
        result[place][inside] = _mosaic(rgb[place])[inside]
    return result


def _grown(people: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
    reach = max(_LEAST_MARGIN_PX, round(max(people.shape) * MARGIN_SHARE))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    return np.asarray(cv2.dilate(people.astype(np.uint8), kernel), np.uint8)


def _mosaic(rgb: Picture) -> Picture:
    height, width = rgb.shape[:2]
    block = max(_LEAST_BLOCK_PX, -(-max(height, width) // _BLOCKS_A_PERSON))
    blocks = (max(1, width // block), max(1, height // block))
    means = cv2.resize(rgb, blocks, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(means, (width, height), interpolation=cv2.INTER_NEAREST_EXACT), np.uint8)
