"""A network run by PyTorch: as it stands, on an NVIDIA GPU in bfloat16 and replayed as CUDA graphs."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import nn

from segmentation.backends.graphs import GraphedNetwork
from segmentation.model_files import TORCH


class EagerBackend:
    """float (N, C, h, w) on the device → logits float32 (N, K, h, w) there."""

    name = TORCH

    def __init__(
        self, module: nn.Module, device: torch.device, *, is_exact: bool = False, is_learning: bool = False
    ) -> None:
        """`module` is in evaluation mode; it is moved to the device. `is_exact`: never in reduced precision.
        `is_learning`: its weights may change, or move, between two calls.
        """
        self._module = module.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.device, self._is_exact = device, is_exact
        self.can_be_shared = device.type == "cpu"
        self._network = GraphedNetwork(self._computed) if device.type == "cuda" and not is_learning else self._computed

    def logits(self, pixels: torch.Tensor) -> torch.Tensor:
        return self._network(pixels)

    def _computed(self, pixels: torch.Tensor) -> torch.Tensor:
        with self._precision():
            found: torch.Tensor = self._module(pixels)
            return found.float()

    def _precision(self) -> AbstractContextManager[object]:
        """bfloat16 is faster on a GPU, slower on CPUs, and would spoil whole-number arithmetic."""
        if self.device.type != "cuda" or self._is_exact:
            return nullcontext()
        # Weights cast once and kept would be freed behind a captured graph's back.
        return torch.autocast("cuda", torch.bfloat16, cache_enabled=False)
