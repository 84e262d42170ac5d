"""Support vector machines as a torch module: linear, or with a radial kernel approximated by random cosines.

Cortes, Vapnik, "Support-Vector Networks", 1995; Rahimi, Recht, "Random Features for Large-Scale Kernel
Machines", 2007: the inner product of cos(w·x + b) over random w and b approaches the kernel exp(-γ|x - y|²).
"""

from __future__ import annotations

import math

import torch
from torch import nn

LARGEST_DEVIATION = 5.0
"""Standardised features are cut here: one glint must not outweigh everything else that is seen."""


class SupportVectorMachine(nn.Module):
    """float32 (M, F) → log scores float32 (M, K): margins of one label against the rest, scaled to be logits.

    `component_count`: random cosines between features and margins; 0 = linear.
    """

    def __init__(self, feature_count: int, label_count: int, component_count: int = 0) -> None:
        super().__init__()
        self.component_count = component_count
        self.register_buffer("mean", torch.zeros(feature_count))
        self.register_buffer("std", torch.ones(feature_count))
        if component_count:
            self.register_buffer("frequency", torch.zeros(feature_count, component_count))
            self.register_buffer("phase", torch.zeros(component_count))
        self.register_buffer("weight", torch.zeros(component_count or feature_count, label_count))
        self.register_buffer("bias", torch.zeros(label_count))
        self.register_buffer("scale", torch.ones(()))
        self.register_buffer("shift", torch.zeros(label_count))

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return self.margins(rows) * self.get_buffer("scale") + self.get_buffer("shift")

    def margins(self, rows: torch.Tensor) -> torch.Tensor:
        """Signed distances (M, K) from each label's boundary: above 0 is that label's side."""
        return self.mapped(rows) @ self.get_buffer("weight") + self.get_buffer("bias")

    def mapped(self, rows: torch.Tensor) -> torch.Tensor:
        """What the margins are linear in: (M, F) standardised features, or (M, component_count) cosines of them."""
        scaled = (rows - self.get_buffer("mean")) / self.get_buffer("std")
        scaled = scaled.clamp(-LARGEST_DEVIATION, LARGEST_DEVIATION)
        if not self.component_count:
            return scaled
        angle = scaled @ self.get_buffer("frequency") + self.get_buffer("phase")
        return torch.cos(angle) * math.sqrt(2 / self.component_count)
