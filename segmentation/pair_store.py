"""Pairs kept in memory where they fit."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from segmentation.pairs import Pair, PairError
from segmentation.scaling import scale_down
from segmentation.spec import IGNORE_INDEX
from segmentation.train_settings import DEFAULT_MEMORY_BYTES

Picture = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.uint8]


class PairStore:
    """Pairs scaled as `scaling.scaled_size` says, kept as uint8 up to `memory_bytes`.

    Decoding a picture costs more than cutting a crop from it, so each is decoded once while there is room;
    those that no longer fit are read again each time. PairError where a mask does not fit its picture or
    holds a label that is neither below `label_count` nor 255.
    """

    def __init__(
        self,
        pairs: Sequence[Pair],
        label_count: int,
        *,
        max_side_px: int | None = None,
        scale: float = 1.0,
        memory_bytes: int = DEFAULT_MEMORY_BYTES,
    ) -> None:
        self.pairs = tuple(pairs)
        self.label_count = label_count
        self.max_side_px = max_side_px
        self.scale = scale
        self._room_bytes = memory_bytes
        self._kept: dict[int, tuple[Picture, Mask]] = {}

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> tuple[Picture, Mask]:
        kept = self._kept.get(index)
        if kept is not None:
            return kept
        rgb, mask = self._checked(self.pairs[index])
        rgb, mask = _scaled(rgb, mask, self.max_side_px, self.scale)
        if rgb.nbytes + mask.nbytes <= self._room_bytes:
            self._room_bytes -= rgb.nbytes + mask.nbytes
            self._kept[index] = (rgb, mask)
        return rgb, mask

    def _checked(self, pair: Pair) -> tuple[Picture, Mask]:
        rgb, mask = pair.read()
        if mask.shape != rgb.shape[:2]:
            raise PairError(
                f"{pair.name}: the mask is {mask.shape[1]}×{mask.shape[0]} pixels, the picture"
                f" {rgb.shape[1]}×{rgb.shape[0]}; they must be the same size"
            )
        labels = np.flatnonzero(np.bincount(mask.ravel(), minlength=256))
        unknown = [int(value) for value in labels if self.label_count <= value != IGNORE_INDEX]
        if unknown:
            raise PairError(f"{pair.name}: the mask holds {unknown[0]}, expected 0 to {self.label_count - 1} or 255")
        return rgb, mask


def _scaled(rgb: Picture, mask: Mask, max_side_px: int | None, scale: float) -> tuple[Picture, Mask]:
    smaller = scale_down(rgb, max_side_px, scale)
    if smaller.shape == rgb.shape:
        return rgb, mask
    size = (smaller.shape[1], smaller.shape[0])
    return smaller, np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST_EXACT), np.uint8)
