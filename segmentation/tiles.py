"""Pictures too large for one pass: overlapping tiles, blended, in memory that grows with their width only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

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


def tiled_bands(
    rgb: npt.NDArray[np.uint8], forward: Forward, *, tile_px: int, overlap_px: int, chunk_count: int = 1
) -> Iterator[tuple[int, torch.Tensor]]:
    """Logits of a large picture as bands of finished rows: (first row, (K, rows, W)), from top to bottom.

    Where tiles overlap their logits are averaged, each weighted by how far the pixel is from its tile's edge.
    """
    height, width = rgb.shape[:2]
    tile_height, tile_width = min(tile_px, height), min(tile_px, width)
    tops = tile_starts(height, tile_height, overlap_px)
    lefts = tile_starts(width, tile_width, overlap_px)
    total = weight = torch.empty(0)
    for number, top in enumerate(tops):
        weights = _ramp(tile_height, overlap_px)[:, None] * _ramp(tile_width, overlap_px)[None, :]
        row_total, row_weight = _tile_row(rgb, forward, top, lefts, weights, chunk_count)
        if number:
            shared = tops[number - 1] + tile_height - top
            row_total[:, :shared] += total
            row_weight[:shared] += weight
        done = (tops[number + 1] if number + 1 < len(tops) else height) - top
        yield top, row_total[:, :done] / row_weight[:done]
        total, weight = row_total[:, done:], row_weight[done:]


def _tile_row(
    rgb: npt.NDArray[np.uint8],
    forward: Forward,
    top: int,
    lefts: Sequence[int],
    weights: torch.Tensor,
    chunk_count: int,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Weighted logits (K, tile height, W) of one row of tiles, and the sum of weights (tile height, W)."""
    tile_height, tile_width = weights.shape
    total: torch.Tensor | None = None
    weight = torch.zeros(tile_height, rgb.shape[1])
    for first in range(0, len(lefts), chunk_count):
        chunk = lefts[first : first + chunk_count]
        logits = forward([rgb[top : top + tile_height, left : left + tile_width] for left in chunk])
        if total is None:
            total = logits.new_zeros(logits.shape[1], tile_height, rgb.shape[1])
            weights, weight = weights.to(logits), weight.to(logits)
        for left, tile in zip(chunk, logits, strict=True):
            total[:, :, left : left + tile_width] += tile * weights
            weight[:, left : left + tile_width] += weights
    if total is None:
        raise ValueError("a row of tiles has at least one tile")
    return total, weight


def _ramp(length: int, overlap: int) -> torch.Tensor:
    """Weights (length,) that rise from near 0 at both edges to 1 within `overlap` pixels."""
    place = torch.arange(length) + 0.5
    return torch.minimum(place, length - place).div(max(1, overlap)).clamp(max=1.0)
