"""A picture with its truth, read when needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Pair:
    """`read` returns rgb uint8 (H, W, 3) and mask uint8 (H, W) of model label indices, 255 = ignored.

    `is_held_out`: it belongs to the test split; evaluation may read it, training refuses it.
    """

    name: str
    read: Callable[[], tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]]
    is_held_out: bool = False


class PairError(ValueError):
    """A pair cannot be learned from; the message names it."""


def refuse_held_out(pairs: Iterable[Pair]) -> None:
    """PairError where a pair of the locked test split is among those that training would read."""
    for pair in pairs:
        if pair.is_held_out:
            raise PairError(
                f"{pair.name} belongs to the test split, which is locked: training and choosing the best epoch may"
                " only read “train” and “val”; expected pairs of those"
            )
