"""Every pixel gets the label whose colour is nearest: a real network that needs no training.

The squared distance from pixel p to colour c is |p|² - 2c·p + |c|². |p|² is the same for all labels, so the
largest of 2c·p - |c|² is the nearest colour: a 1×1 convolution. All terms are whole numbers below 2²⁴, hence
exact in float32, and in a GPU's TF32 too, whose 11-bit factors hold every 2c and p.
"""

from __future__ import annotations

import torch
from torch import nn

from segmentation.architectures.options import checked_options
from segmentation.spec import ModelSpec


class NearestColor(nn.Module):
    """float (N, 3, H, W) of 0–255 → logits (N, K, H, W)."""

    def __init__(self, colors: torch.Tensor) -> None:
        """`colors` float (K, 3), 0–255."""
        super().__init__()
        self.score = nn.Conv2d(3, len(colors), kernel_size=1)
        with torch.no_grad():
            self.score.weight.copy_(2 * colors[:, :, None, None])
            self.score.bias.copy_(-(colors**2).sum(dim=1))  # type: ignore[union-attr]
        self.requires_grad_(False)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return self.score(pixels)


def build(spec: ModelSpec) -> nn.Module:
    """ValueError where the spec would not hand the network plain 0–255 pixels."""
    checked_options(spec, ())
    if spec.mean != (0, 0, 0) or spec.std != (1, 1, 1):
        raise ValueError(
            "nearest-color compares plain 0–255 colours: its spec needs mean (0, 0, 0) and std (1, 1, 1), "
            f"this one has {spec.mean} and {spec.std}"
        )
    return NearestColor(torch.tensor([label.rgb for label in spec.labels], dtype=torch.float32))
