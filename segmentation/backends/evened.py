"""Networks that see evened light: that step depends on the whole picture before any padding, so it stays here."""

from __future__ import annotations

import torch
from torch import nn

from segmentation.architectures.light_evening import EvenLight
from segmentation.backends.foreign import ForeignBackend


class EvenedBackend:
    """float (N, C, h, w) → logits float32 (N, K, h, w): evens the light, then asks another runtime."""

    def __init__(self, backend: ForeignBackend) -> None:
        self.name, self.device, self.can_be_shared = backend.name, backend.device, backend.can_be_shared
        self._evened = EvenLight(_Called(backend))

    def logits(self, pixels: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self._evened(pixels)
        return found


class _Called(nn.Module):
    def __init__(self, backend: ForeignBackend) -> None:
        super().__init__()
        self._backend = backend

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return self._backend.logits(pixels)
