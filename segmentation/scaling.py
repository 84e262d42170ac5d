"""The size at which a network sees a picture. Without torch, so that whoever only shows pictures need not load it."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt


def scaled_size(height: int, width: int, max_side_px: int | None, scale: float = 1.0) -> tuple[int, int]:
    """Height and width the network sees: `scale` times the picture's own, the longer side at most `max_side_px`."""
    longest = max(height, width) * scale
    if max_side_px is not None and longest > max_side_px:
        scale *= max_side_px / longest
    return max(1, round(height * scale)), max(1, round(width * scale))


def scale_down(rgb: npt.NDArray[np.uint8], max_side_px: int | None, scale: float = 1.0) -> npt.NDArray[np.uint8]:
    """uint8 (H, W, C) averaged down to `scaled_size`; the same array where nothing is to be done."""
    return reduced(rgb, scaled_size(rgb.shape[0], rgb.shape[1], max_side_px, scale))


def reduced(rgb: npt.NDArray[np.uint8], size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """uint8 (H, W, C) averaged down to this height and width; the same array where it has them."""
    if size == rgb.shape[:2]:
        return rgb
    scaled = cv2.resize(rgb, (size[1], size[0]), interpolation=cv2.INTER_AREA)
    # OpenCV drops the axis of a single channel.
    return np.asarray(scaled, np.uint8).reshape(*size, rgb.shape[2])
