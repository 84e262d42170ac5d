"""A picture with its truth, read when needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Pair:
    """`read` returns rgb uint8 (H, W, 3) and mask uint8 (H, W) of model label indices, 255 = ignored."""

    name: str
    read: Callable[[], tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]]


class PairError(ValueError):
    """A pair cannot be learned from; the message names it."""
