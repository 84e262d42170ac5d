"""Pictures too large for one pass: overlapping tiles, blended, in memory that grows only with their width."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch

Forward = Callable[[Sequence[npt.NDArray[np.uint8]]], torch.Tensor]
"""Pictures uint8 (H, W, 3) of one size → logits float32 (N, K, H, W)."""


def tile_starts(length: int, tile: int, overlap: int) -> list[int]:
    """Where tiles of `tile` pixels begin: they cover `length`, neighbours share at least `overlap`."""
    if length <= tile:
        return [0]
    count = -(-(length - overlap) // (tile - overlap))
    return [round(place * (length - tile) / (count - 1)) for place in range(count)]


class Rows(Protocol):
    """A picture that is asked for its rows from top to bottom; tells which it is not asked for again."""

    height: int
    width: int

    def rows(self, top: int, bottom: int) -> npt.NDArray[np.uint8]: ...
    def forget(self, bottom: int) -> None: ...


class ArrayRows:
    """A picture uint8 (H, W, C) in memory."""

    def __init__(self, pixels: npt.NDArray[np.uint8]) -> None:
        self._pixels = pixels
        self.height, self.width = pixels.shape[:2]

    def rows(self, top: int, bottom: int) -> npt.NDArray[np.uint8]:
        return self._pixels[top:bottom]

    def forget(self, bottom: int) -> None:
        """It stays where it is."""


Block = tuple[int, int, torch.Tensor]
"""First row, first column and logits (K, rows, columns) of a finished part of a picture."""


def tiled_bands(
    picture: Rows, forward: Forward, *, tile_px: int, overlap_px: int, chunk_count: int = 1
) -> Iterator[tuple[int, torch.Tensor]]:
    """Logits of a large picture as bands of finished rows: (first row, (K, rows, W)), from top to bottom."""
    blocks = tiled_blocks(picture, forward, tile_px=tile_px, overlap_px=overlap_px, chunk_count=chunk_count)
    for top, row in itertools.groupby(blocks, key=operator.itemgetter(0)):
        yield top, torch.cat([logits for _, _, logits in row], dim=2)


def tiled_blocks(
    picture: Rows, forward: Forward, *, tile_px: int, overlap_px: int, chunk_count: int = 1
) -> Iterator[Block]:
    """Logits of a large picture as finished blocks, each at most a tile, row by row from top to bottom.

    Where tiles overlap their logits are averaged, each weighted by how far the pixel is from its tile's edge. Kept
    are only the parts that further tiles overlap: a strip along a tile and one across the picture.
    """
    tile_height, tile_width = min(tile_px, picture.height), min(tile_px, picture.width)
    tops = tile_starts(picture.height, tile_height, overlap_px)
    lefts = tile_starts(picture.width, tile_width, overlap_px)
    weights = _ramp(tile_height, overlap_px)[:, None] * _ramp(tile_width, overlap_px)[None, :]
    above: _Sum | None = None
    for number, top in enumerate(tops):
        rows = picture.rows(top, top + tile_height)
        done = (tops[number + 1] if number + 1 < len(tops) else picture.height) - top
        below: _Sum | None = None
        beside: _Sum | None = None
        for place, logits in enumerate(_row_of_tiles(rows, forward, lefts, tile_width, chunk_count)):
            left = lefts[place]
            sure = (lefts[place + 1] if place + 1 < len(lefts) else picture.width) - left
            tile = _Sum.of(logits, weights)
            if beside is not None:
                tile.add(beside, 0)
            beside = tile.part(slice(None), slice(sure, None))
            tile = tile.part(slice(None), slice(0, sure))
            if above is not None:
                tile.add(above.part(slice(None), slice(left, left + sure)), 0)
            yield top, left, tile.part(slice(0, done), slice(None)).mean()
            if done < tile_height:
                if below is None:
                    below = _Sum.empty(logits, tile_height - done, picture.width)
                below.put(tile.part(slice(done, None), slice(None)), left)
        above = below
        picture.forget(top + done)


def _row_of_tiles(
    rows: npt.NDArray[np.uint8], forward: Forward, lefts: Sequence[int], tile_width: int, chunk_count: int
) -> Iterator[torch.Tensor]:
    """Logits (K, tile height, tile width) of each tile of a row of tiles."""
    for first in range(0, len(lefts), chunk_count):
        yield from forward([rows[:, left : left + tile_width] for left in lefts[first : first + chunk_count]])


@dataclass
class _Sum:
    """Weighted logits (K, h, w) and the sum of their weights (h, w)."""

    total: torch.Tensor
    weight: torch.Tensor

    @classmethod
    def of(cls, logits: torch.Tensor, weights: torch.Tensor) -> _Sum:
        # A sum of its own: tiles to come are added to it.
        weight = weights.to(logits, copy=True)
        return cls(logits * weight, weight)

    @classmethod
    def empty(cls, like: torch.Tensor, height: int, width: int) -> _Sum:
        return cls(like.new_zeros(like.shape[0], height, width), like.new_zeros(height, width))

    def part(self, rows: slice, columns: slice) -> _Sum:
        return _Sum(self.total[:, rows, columns], self.weight[rows, columns])

    def add(self, other: _Sum, left: int) -> None:
        """Add to the upper rows, from column `left` on."""
        height, width = other.weight.shape
        self.total[:, :height, left : left + width] += other.total
        self.weight[:height, left : left + width] += other.weight

    def put(self, other: _Sum, left: int) -> None:
        width = other.weight.shape[1]
        self.total[:, :, left : left + width] = other.total
        self.weight[:, left : left + width] = other.weight

    def mean(self) -> torch.Tensor:
        return self.total / self.weight


def _ramp(length: int, overlap: int) -> torch.Tensor:
    """Weights (length,) that rise from near 0 at both edges to 1 within `overlap` pixels."""
    place = torch.arange(length) + 0.5
    return torch.minimum(place, length - place).div(max(1, overlap)).clamp(max=1.0)
