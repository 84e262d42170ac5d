"""Pictures on their way through a network: what is taken in, and what comes out once somebody waits for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch


@dataclass(frozen=True)
class Segmentation:
    """`mask` uint8 (H, W) of the model's labels; `confidence` float32 (H, W), the winner's calibrated softmax, 0–1."""

    mask: npt.NDArray[np.uint8]
    confidence: npt.NDArray[np.float32]


@dataclass(frozen=True)
class ScaledPicture:
    """`pixels` uint8 (h, w, C) as the network sees them, of a picture of `height` × `width` pixels."""

    pixels: npt.NDArray[np.uint8]
    height: int
    width: int

    @property
    def size(self) -> tuple[int, int]:
        """Height and width that the network sees."""
        return self.pixels.shape[0], self.pixels.shape[1]


Underway = Callable[[], Segmentation]
"""Waits for one picture's result and gives it; may be called from any thread, once."""


def on_the_cpu(mask: torch.Tensor, confidence: torch.Tensor) -> Underway:
    """A result that is there: tensors uint8 and float32 (H, W) of the CPU."""
    return lambda: Segmentation(mask.numpy(), confidence.numpy())


def from_the_gpu(mask: torch.Tensor, confidence: torch.Tensor) -> Underway:
    """A result that a GPU is still computing: copied to page-locked memory behind it, without waiting for it here."""
    copies = [torch.empty(one.shape, dtype=one.dtype, pin_memory=True) for one in (mask, confidence)]
    for copy, one in zip(copies, (mask, confidence), strict=True):
        copy.copy_(one, non_blocking=True)
    done = torch.cuda.Event()
    done.record()

    def wait() -> Segmentation:
        done.synchronize()
        return Segmentation(copies[0].numpy(), copies[1].numpy())

    return wait


class CopyStream:
    """Pictures to a GPU from page-locked memory, on a stream of their own beside what it computes."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device)

    def copied(self, pixels: npt.NDArray[np.uint8]) -> torch.Tensor:
        """uint8 (N, H, W, C) on the GPU; what the current stream does next waits for the copy, this thread does not."""
        locked = torch.empty(pixels.shape, dtype=torch.uint8, pin_memory=True)
        locked.copy_(torch.from_numpy(pixels))
        current = torch.cuda.current_stream(self._device)
        with torch.cuda.stream(self._stream):
            arrived = locked.to(self._device, non_blocking=True)
        current.wait_stream(self._stream)
        arrived.record_stream(current)
        return arrived
