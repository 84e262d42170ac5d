"""How large a network sees the pictures, and whether their light is evened out first: read off a few of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segmentation.pairs import Pair

PICTURES_LOOKED_AT = 48
LARGE_SIDE_PX = 240
GREY_DIFFERENCE = 2.0
VARIED_EXPOSURE = 12.0


@dataclass(frozen=True)
class InputChoice:
    """For `ModelSpec.scale` and `ModelSpec.evens_light`; `why` is a plain sentence."""

    scale: float
    evens_light: bool
    why: str


def choose_input(pairs: Sequence[Pair], *, has_gpu: bool) -> InputChoice:
    """Look at up to 48 training pictures, evenly spread.

    Grey pictures whose mean brightness spreads by more than 12 of 255 have their light evened. Without a GPU, pictures
    whose shorter side is 240 pixels or more (the median) are seen at half their size: four times the steps in the same
    time. On magnetic tiles and street scenes both were measured, see docs/models.md.
    """
    step = max(1, -(-len(pairs) // PICTURES_LOOKED_AT))
    looks = [_look(pair.read()[0]) for pair in pairs[::step]]
    sides, means, tints = (np.array(column) for column in zip(*looks, strict=True))
    evens_light = bool(np.median(tints) < GREY_DIFFERENCE and means.std() > VARIED_EXPOSURE)
    halves = not has_gpu and float(np.median(sides)) >= LARGE_SIDE_PX
    reasons = [
        "the pictures are grey and differ much in brightness, so their light is evened out first"
        if evens_light
        else "",
        "without a graphics card they are seen at half their size, to learn more in the same time" if halves else "",
    ]
    said = "; ".join(reason for reason in reasons if reason) or "the pictures are used as they are"
    return InputChoice(0.5 if halves else 1.0, evens_light, f"{said[0].upper()}{said[1:]}.")


def _look(rgb: npt.NDArray[np.uint8]) -> tuple[int, float, float]:
    """Shorter side, mean brightness, and how far the channels differ on average (0 for a grey picture)."""
    small = rgb[::4, ::4].astype(np.float32)
    return min(rgb.shape[:2]), float(small.mean()), float(np.ptp(small, axis=2).mean())
