"""Every pixel layout that Pillow knows, to 8-bit RGB."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

_DEPTHS = (8, 10, 12, 14, 16, 24, 32)
_WITH_ALPHA = frozenset({"RGBA", "LA", "PA", "La", "RGBa"})
# Converted in strips: a whole copy in between would double or treble what the largest pictures take.
_STRIP_PX = 4_000_000
_PART_VALUES = 1_000_000


def to_rgb(image: Image.Image) -> npt.NDArray[np.uint8]:
    """uint8 (H, W, 3) of a loaded picture. Transparent parts show white. ValueError for an unknown layout.

    Beside the picture and the result, 7 bytes a pixel at most, it needs some tens of megabytes.
    """
    width, height = image.size
    rgb = np.empty((height, width, 3), np.uint8)
    is_deep = image.mode.startswith("I") or image.mode == "F"
    white = _white(image) if is_deep else 0.0
    for first, last in strips_of(image):
        strip = image.crop((0, first, width, last))
        if is_deep:
            rgb[first:last] = to_8_bit(np.asarray(strip), white)[:, :, None]
        elif image.mode in _WITH_ALPHA or "transparency" in image.info:
            rgb[first:last] = np.asarray(_on_white(strip))
        else:
            rgb[first:last] = np.asarray(strip if strip.mode == "RGB" else strip.convert("RGB"))
    return rgb


def strips_of(image: Image.Image) -> Iterator[tuple[int, int]]:
    """First row and the row after the last of each strip."""
    rows = max(1, _STRIP_PX // image.width)
    for first in range(0, image.height, rows):
        yield first, min(first + rows, image.height)


def _white(image: Image.Image) -> float:
    strips = (image.crop((0, first, image.width, last)) for first, last in strips_of(image))
    brightest = max((brightest_of(np.asarray(strip)) for strip in strips), default=0.0)
    return white_of(brightest, is_float=image.mode == "F")


def white_of(brightest: float, *, is_float: bool) -> float:
    """What becomes 255 in a picture whose brightest value this is; see `scale_to_8_bit`."""
    if is_float and brightest <= 1:
        return 1.0
    return float(next((2**bits - 1 for bits in _DEPTHS if brightest < 2**bits), brightest))


def numbers_of(values: npt.NDArray[np.generic]) -> npt.NDArray[np.float32]:
    """Numbers from 0: what is none of them, or infinite, is black."""
    return np.nan_to_num(np.asarray(values, np.float32), nan=0.0, posinf=0.0, neginf=0.0).clip(min=0)


def brightest_of(values: npt.NDArray[np.generic]) -> float:
    """The largest of the numbers in values (h, ...); 0 where there is none."""
    return max((float(numbers_of(values[part]).max(initial=0.0)) for part in _parts(values)), default=0.0)


def to_8_bit(values: npt.NDArray[np.generic], white: float) -> npt.NDArray[np.uint8]:
    """Any values (h, ...) to uint8: 0 stays 0, `white` becomes 255."""
    found = np.empty(values.shape, np.uint8)
    for part in _parts(values):
        found[part] = np.clip(np.rint(numbers_of(values[part]) * np.float32(255 / white)), 0, 255)
    return found


def _parts(values: npt.NDArray[np.generic]) -> Iterator[slice]:
    """Rows of a million values: computed with in float32, several times over, they take that much more."""
    rows = max(1, _PART_VALUES * len(values) // max(1, values.size))
    return (slice(first, first + rows) for first in range(0, len(values), rows))


def samples_to_rgb(
    samples: npt.NDArray[Any], white: float, *, opacity_at: int | None = None, is_inverted: bool = False
) -> npt.NDArray[np.uint8]:
    """Samples (h, W, S) as a file stores them to uint8 (h, W, 3): the first three are colours, or the first is grey.

    Those of more than 8 bits become 255 at `white`. Which sample is opacity, if any, `opacity_at` says.
    """
    if samples.dtype == np.uint8 and samples.shape[2] >= 3 and opacity_at is None and not is_inverted:
        return np.ascontiguousarray(samples[:, :, :3])
    colours = 1 if samples.shape[2] < 3 or opacity_at == 1 else 3
    rgb = np.empty((*samples.shape[:2], 3), np.uint8)
    for part in _parts(samples):
        values = samples[part, :, :colours]
        shown = np.asarray(values, np.uint8) if values.dtype == np.uint8 else to_8_bit(values, white)
        if is_inverted:
            shown = 255 - shown
        rgb[part] = shown if opacity_at is None else _laid_on_white(shown, samples[part, :, opacity_at])
    return rgb


def _laid_on_white(shown: npt.NDArray[np.uint8], opacity: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    largest = 1 if opacity.dtype.kind == "f" else np.iinfo(opacity.dtype).max
    share = opacity.astype(np.float32)[:, :, None] * np.float32(1 / largest)
    return np.rint(shown * share + 255 * (1 - share))


def _on_white(image: Image.Image) -> Image.Image:
    rgba = image.convert("RGBA")
    ground = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
    ground.alpha_composite(rgba)
    return ground.convert("RGB")
