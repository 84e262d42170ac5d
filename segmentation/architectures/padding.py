"""Networks that halve their input want sides divisible by a power of two; pictures do not oblige."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F


class Padded(nn.Module):
    """Feeds `network` a picture with its edge pixels repeated to the right and below; logits are cut back."""

    def __init__(self, network: nn.Module, *, multiple_px: int) -> None:
        super().__init__()
        self.network = network
        self.multiple_px = multiple_px

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """float (N, 3, H, W) of any H, W ≥ 1 → logits (N, K, H, W)."""
        height, width = pixels.shape[-2:]
        below, right = -height % self.multiple_px, -width % self.multiple_px
        if not (below or right):
            return self.network(pixels)
        padded = F.pad(pixels, (0, right, 0, below), mode="replicate")
        return self.network(padded)[..., :height, :width]
