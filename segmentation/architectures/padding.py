"""Networks that halve their input want sides divisible by a power of two; pictures do not oblige."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

MULTIPLE_PX = 32
# Five halvings leave 2×2: batch normalisation of one picture in training needs more than one value.
LEAST_PX = 64


class Padded(nn.Module):
    """Feeds `network` a picture with its edge pixels repeated to the right and below; logits are cut back."""

    def __init__(self, network: nn.Module, *, multiple_px: int = MULTIPLE_PX, least_px: int = LEAST_PX) -> None:
        """`network` gets sides that are multiples of `multiple_px` and at least `least_px`."""
        super().__init__()
        self.network = network
        self.multiple_px = multiple_px
        self.least_px = least_px

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """float (N, C, H, W) of any H, W ≥ 1 → logits (N, K, H, W)."""
        height, width = pixels.shape[-2:]
        below, right = self._missing(height), self._missing(width)
        if not (below or right):
            return self.network(pixels)
        padded = F.pad(pixels, (0, right, 0, below), mode="replicate")
        return self.network(padded)[..., :height, :width]

    def _missing(self, length: int) -> int:
        wanted = max(length, self.least_px)
        return wanted + -wanted % self.multiple_px - length
