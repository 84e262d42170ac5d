"""Features, a classifier of pixels and a little smoothing, as one network."""

from __future__ import annotations

import torch
from torch import nn

from segmentation.classical.features import FeatureBank, smoothed

ROWS_AT_ONCE = 16_384
"""Pixels classified together: their features stay in the processor's cache, and memory does not grow."""


class ClassicalNetwork(nn.Module):
    """float (N, C, H, W), normalised → logits float32 (N, K, H, W) for any H, W ≥ 1.

    `classifier`: float32 (M, F) features → log scores float32 (M, K). `label_offset` (K,) is added to them: how
    much more or less often a label occurs in pictures than in the sample it was learned from. The scores are
    then averaged over a Gaussian window of `smoothing_px`, since neighbours mostly share a label.
    """

    def __init__(self, bank: FeatureBank, classifier: nn.Module, label_count: int, smoothing_px: float) -> None:
        super().__init__()
        self.bank = bank
        self.classifier = classifier
        self.smoothing_px = smoothing_px
        self.register_buffer("label_offset", torch.zeros(label_count))

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        features = self.bank(pixels.float())
        count, kinds, height, width = features.shape
        rows = features.permute(0, 2, 3, 1).reshape(-1, kinds)
        # a loop over a number of parts that depends on the picture cannot be exported
        parts = (rows,) if torch.jit.is_tracing() else rows.split(ROWS_AT_ONCE)
        scores = torch.cat([self.classifier(part) for part in parts]) + self.get_buffer("label_offset")
        logits = scores.reshape(count, height, width, -1).permute(0, 3, 1, 2)
        return smoothed(logits, self.smoothing_px) if self.smoothing_px else logits.contiguous()
