"""What a caller may choose of a classical method, and what fitting one gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from torch import nn

from segmentation.classical.features import DEFAULT_SCALES


@dataclass(frozen=True)
class ClassicalSettings:
    """How to fit. `pixels_per_label`: at most so many pixels of each label, of the commonest five times as many;
    all of a rarer one. `picture_count`: at most so many pictures are looked at, those with rare labels first.
    `tree_count` and `max_depth`: of the forest. `component_count`: random cosines of the radial kernel.
    `scales`: windows in pixels, rising. `uses_brightness` None: tried out. The same `seed` gives the same model.
    """

    pixels_per_label: int = 6000
    picture_count: int = 60
    tree_count: int = 40
    max_depth: int = 14
    component_count: int = 256
    scales: tuple[float, ...] = DEFAULT_SCALES
    uses_brightness: bool | None = None
    seed: int = 1

    def __post_init__(self) -> None:
        for name in ("pixels_per_label", "picture_count", "tree_count", "max_depth", "component_count"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")


@dataclass(frozen=True)
class Fitted:
    """`classifier`: float32 (M, F) → log scores (M, K). `importance` float64 (F,): each feature's share, together 1.
    `options`: what a spec must say for the architecture to make room for the classifier."""

    classifier: nn.Module
    importance: npt.NDArray[np.float64]
    options: Mapping[str, int]
