"""Every pixel layout that Pillow knows, to 8-bit RGB."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

_DEPTHS = (8, 10, 12, 14, 16, 24, 32)
_WITH_ALPHA = frozenset({"RGBA", "LA", "PA", "La", "RGBa"})


def to_rgb(image: Image.Image) -> npt.NDArray[np.uint8]:
    """uint8 (H, W, 3) of a loaded picture. Transparent parts show white. ValueError for an unknown layout."""
    if image.mode.startswith("I") or image.mode == "F":
        grey = scale_to_8_bit(np.asarray(image))
        return np.repeat(grey[:, :, None], 3, axis=2)
    if image.mode in _WITH_ALPHA or "transparency" in image.info:
        return _on_white(image)
    return np.array(image if image.mode == "RGB" else image.convert("RGB"))


def scale_to_8_bit(values: npt.NDArray[np.generic]) -> npt.NDArray[np.uint8]:
    """Deep greys (H, W) to uint8, black staying black.

    Cameras store 10, 12 or 14 bits in 16, so the depth taken is the smallest usual one that holds the
    brightest pixel: one divisor for all but a camera's darkest pictures, not a stretch of each.
    Floats of at most 1 are taken as shares of white, brighter ones by depth like whole numbers.
    """
    clean = np.nan_to_num(np.asarray(values, np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    brightest = float(clean.max(initial=0.0))
    is_share = np.issubdtype(values.dtype, np.floating) and brightest <= 1
    white = 1.0 if is_share else float(next((2**bits - 1 for bits in _DEPTHS if brightest < 2**bits), brightest))
    return np.clip(np.rint(clean * np.float32(255 / white)), 0, 255).astype(np.uint8)


def _on_white(image: Image.Image) -> npt.NDArray[np.uint8]:
    rgba = image.convert("RGBA")
    ground = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
    ground.alpha_composite(rgba)
    return np.array(ground.convert("RGB"))
