"""Losses for pixels: cross-entropy weighted for rare labels, plus soft Dice."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional as F

from segmentation.spec import IGNORE_INDEX


def class_weights(
    pixels: npt.NDArray[np.int64] | npt.NDArray[np.float64], *, power: float = 0.5, ceiling: float = 20.0
) -> npt.NDArray[np.float32]:
    """Weights (K,) that fall with a label's share of the pixels, as share to the power of -`power`.

    Held between 1/`ceiling` and `ceiling` times the median and scaled so that the mean weight of a pixel is
    1; a label without pixels gets the median weight. power 0 = all equal, 1 = each label counts alike.
    """
    share = np.asarray(pixels, np.float64) / max(1.0, float(np.sum(pixels)))
    present = share > 0
    weights = np.ones(len(share))
    weights[present] = share[present] ** -power
    middle = float(np.median(weights[present])) if present.any() else 1.0
    weights[~present] = middle
    weights = np.clip(weights, middle / ceiling, middle * ceiling)
    mean = float((weights * share).sum())
    return (weights / mean if mean > 0 else weights).astype(np.float32)


def soft_dice_loss(probabilities: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """1 - soft Dice, the mean over the labels that the chunk's truth has; 0 where it has none.

    `probabilities` float (N, K, H, W), `truth` int64 (N, H, W) with 255 = ignored. Summed over the chunk, not
    per picture, so that pictures without a defect do not drown the rest.
    Milletari, Navab, Ahmadi, "V-Net", 2016.
    """
    label_count = probabilities.shape[1]
    kept = truth != IGNORE_INDEX
    target = F.one_hot(torch.where(kept, truth, 0), label_count).movedim(-1, 1).to(probabilities.dtype)
    mask = kept.unsqueeze(1).to(probabilities.dtype)
    probabilities, target = probabilities * mask, target * mask
    hit = (probabilities * target).sum((0, 2, 3))
    truth_sum = target.sum((0, 2, 3))
    total = probabilities.sum((0, 2, 3)) + truth_sum
    present = truth_sum > 0
    if not bool(present.any()):
        return probabilities.sum() * 0
    dice = (2 * hit + 1) / (total + 1)
    return (1 - dice)[present].mean()


class DiceCrossEntropy(nn.Module):
    """Cross-entropy with class weights plus `dice_share` times the soft Dice loss; 255 is ignored in both."""

    weights: torch.Tensor

    def __init__(self, weights: npt.NDArray[np.float32], *, dice_share: float = 1.0) -> None:
        super().__init__()
        self.register_buffer("weights", torch.as_tensor(weights))
        self.dice_share = dice_share

    def forward(self, logits: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
        """`logits` float (N, K, H, W), `truth` int64 (N, H, W) → a scalar."""
        log_probabilities = F.log_softmax(logits, dim=1)
        per_pixel = F.nll_loss(log_probabilities, truth, self.weights, ignore_index=IGNORE_INDEX, reduction="sum")
        # torch's own mean divides by the weights in this chunk, so a lone rare pixel would weigh as much as
        # a whole chunk of background; dividing by the pixels keeps every pixel's say the same in every chunk.
        cross_entropy = per_pixel / (truth != IGNORE_INDEX).sum().clamp(min=1)
        return cross_entropy + self.dice_share * soft_dice_loss(log_probabilities.exp(), truth)
