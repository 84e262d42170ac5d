"""A network run by PyTorch as it stands."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import nn

from segmentation.model_files import TORCH


class EagerBackend:
    """float (N, C, h, w) on the device → logits float32 (N, K, h, w) there."""

    name = TORCH

    def __init__(self, module: nn.Module, device: torch.device, *, is_exact: bool = False) -> None:
        """`module` is in evaluation mode; it is moved to the device. `is_exact`: never in reduced precision."""
        self._module = module.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.device, self._is_exact = device, is_exact

    def logits(self, pixels: torch.Tensor) -> torch.Tensor:
        with self._precision():
            return self._module(pixels).float()

    def _precision(self) -> AbstractContextManager[object]:
        """bfloat16 is faster on a GPU, slower on CPUs, and would spoil whole-number arithmetic."""
        if self.device.type != "cuda" or self._is_exact:
            return nullcontext()
        return torch.autocast("cuda", torch.bfloat16)
