"""What ONNX Runtime and OpenVINO have in common: padding, layout, and logits out of whatever the network gives."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional as F

from segmentation.backends.signature import LOG_ODDS, PROBABILITIES, PROBABILITY, Signature

Run = Callable[[npt.NDArray[np.generic]], npt.NDArray[np.generic]]
"""A contiguous array of pictures in the network's layout and dtype → what the network gives."""

# The smallest probability told apart from 0; its logarithm is about -16.
_LEAST = 1e-7


class ForeignBackend:
    """float (N, C, h, w) → logits float32 (N, K, h, w), both on `device`; the runtime may compute elsewhere."""

    # Its threads are its own: a second picture at the same time would want as many again.
    can_be_shared = False

    def __init__(self, name: str, run: Run, signature: Signature, device: torch.device) -> None:
        self.name, self.device = name, device
        self._run, self._signature = run, signature

    def logits(self, pixels: torch.Tensor) -> torch.Tensor:
        if self._signature.takes_many or len(pixels) == 1:
            return self._logits(pixels)
        return torch.cat([self._logits(one) for one in pixels.split(1)])

    def _logits(self, pixels: torch.Tensor) -> torch.Tensor:
        height, width = pixels.shape[-2:]
        padded_height, padded_width = self._signature.padded_size(height, width)
        padding = (0, padded_width - width, 0, padded_height - height)
        padded = F.pad(pixels, padding, mode="replicate") if any(padding) else pixels
        given = torch.from_numpy(np.asarray(self._run(self._as_taken(padded)), np.float32)).to(self.device)
        if self._signature.is_channels_last:
            given = given.permute(0, 3, 1, 2)
        scores = _as_logits(given, self._signature.output)
        if scores.shape[-2:] != padded.shape[-2:]:
            scores = F.interpolate(scores, padded.shape[-2:], mode="bilinear", align_corners=False)
        return scores[..., :height, :width]

    def _as_taken(self, pixels: torch.Tensor) -> npt.NDArray[np.generic]:
        if self._signature.is_channels_last:
            pixels = pixels.permute(0, 2, 3, 1)
        values = pixels.cpu().numpy()
        if self._signature.dtype == "uint8":
            values = values.round().clip(0, 255)
        return np.ascontiguousarray(values, np.dtype(self._signature.dtype))


def _as_logits(given: torch.Tensor, output: str) -> torch.Tensor:
    if output in (PROBABILITIES, PROBABILITY):
        given = given.clamp(_LEAST, 1 - _LEAST)
    if output == PROBABILITIES:
        return given.log()
    if output == PROBABILITY:
        given = given.logit()
    if output in (LOG_ODDS, PROBABILITY):
        # softmax over (0, z) is the sigmoid of z
        return torch.cat([torch.zeros_like(given), given], dim=1)
    return given
