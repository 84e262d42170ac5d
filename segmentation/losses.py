"""Losses for pixels: weighted cross-entropy, alone or with soft Dice, Tversky or Lovász-softmax, and focal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional as F

from segmentation.loss_catalogue import LOSS_FACTS, LossFacts, choose_loss
from segmentation.spec import IGNORE_INDEX

__all__ = [
    "LOSSES",
    "DiceCrossEntropy",
    "FocalLoss",
    "LossChoice",
    "LovaszCrossEntropy",
    "TverskyCrossEntropy",
    "choose_loss",
    "class_weights",
    "lovasz_softmax_loss",
    "soft_dice_loss",
    "tversky_loss",
]

FOCUS = 2.0
FALSE_WEIGHT, MISSED_WEIGHT = 0.3, 0.7


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
    hit, predicted, actual = _sums(probabilities, truth)
    dice = (2 * hit + 1) / (predicted + actual + 1)
    return _mean_of_present(1 - dice, actual)


def tversky_loss(
    probabilities: torch.Tensor,
    truth: torch.Tensor,
    *,
    false_weight: float = FALSE_WEIGHT,
    missed_weight: float = MISSED_WEIGHT,
) -> torch.Tensor:
    """1 - Tversky index, shapes and mean as in `soft_dice_loss`, which is this with both weights 0.5.

    Salehi, Erdogmus, Gholipour, "Tversky loss function for image segmentation using 3D fully convolutional deep
    networks", 2017: 0.3 for what is marked too much and 0.7 for what is missed served rare lesions best.
    """
    hit, predicted, actual = _sums(probabilities, truth)
    index = (hit + 1) / (hit + false_weight * (predicted - hit) + missed_weight * (actual - hit) + 1)
    return _mean_of_present(1 - index, actual)


def lovasz_softmax_loss(probabilities: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """The Lovász extension of 1 - IoU, the mean over the labels that the chunk's truth has; 0 where it has none.

    Shapes as in `soft_dice_loss`. With certain predictions (0 or 1) it is 1 - IoU itself.
    Berman, Triki, Blaschko, "The Lovász-Softmax loss", 2018.
    """
    kept = truth.reshape(-1) != IGNORE_INDEX
    flat_truth = truth.reshape(-1)[kept]
    flat = probabilities.movedim(1, -1).reshape(-1, probabilities.shape[1])[kept]
    losses = []
    for label in flat_truth.unique().tolist():
        is_label = (flat_truth == label).to(flat.dtype)
        errors, order = (is_label - flat[:, label]).abs().sort(descending=True)
        losses.append(torch.dot(errors, _lovasz_gradient(is_label[order])))
    return torch.stack(losses).mean() if losses else probabilities.sum() * 0


class WeightedLoss(nn.Module):
    """Keeps the label weights (K,) where the module is."""

    weights: torch.Tensor

    def __init__(self, weights: npt.NDArray[np.float32]) -> None:
        super().__init__()
        self.register_buffer("weights", torch.as_tensor(weights))

    def cross_entropy(self, log_probabilities: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
        """The weighted sum over all judged pixels, divided by their number."""
        per_pixel = F.nll_loss(log_probabilities, truth, self.weights, ignore_index=IGNORE_INDEX, reduction="sum")
        # torch's own mean divides by the weights in this chunk, so a lone rare pixel would weigh as much as
        # a whole chunk of background; dividing by the pixels keeps every pixel's say the same in every chunk.
        return per_pixel / (truth != IGNORE_INDEX).sum().clamp(min=1)


class DiceCrossEntropy(WeightedLoss):
    """Cross-entropy with class weights plus `dice_share` times the soft Dice loss; 255 is ignored in both."""

    def __init__(self, weights: npt.NDArray[np.float32], *, dice_share: float = 1.0) -> None:
        super().__init__(weights)
        self.dice_share = dice_share

    def forward(self, logits: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
        """`logits` float (N, K, H, W), `truth` int64 (N, H, W) → a scalar."""
        log_probabilities = F.log_softmax(logits, dim=1)
        loss = self.cross_entropy(log_probabilities, truth)
        return loss + self.dice_share * soft_dice_loss(log_probabilities.exp(), truth) if self.dice_share else loss


class TverskyCrossEntropy(WeightedLoss):
    """Cross-entropy with class weights plus the Tversky loss; 255 is ignored in both."""

    def forward(self, logits: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
        """`logits` float (N, K, H, W), `truth` int64 (N, H, W) → a scalar."""
        log_probabilities = F.log_softmax(logits, dim=1)
        return self.cross_entropy(log_probabilities, truth) + tversky_loss(log_probabilities.exp(), truth)


class LovaszCrossEntropy(WeightedLoss):
    """Cross-entropy with class weights plus the Lovász-softmax loss; 255 is ignored in both."""

    def forward(self, logits: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
        """`logits` float (N, K, H, W), `truth` int64 (N, H, W) → a scalar."""
        log_probabilities = F.log_softmax(logits.float(), dim=1)
        return self.cross_entropy(log_probabilities, truth) + lovasz_softmax_loss(log_probabilities.exp(), truth)


class FocalLoss(WeightedLoss):
    """Cross-entropy with class weights in which a pixel counts by how far from sure it is; 255 is ignored.

    Lin, Goyal, Girshick, He, Dollár, "Focal loss for dense object detection", 2017; focus 2 as there.
    """

    def __init__(self, weights: npt.NDArray[np.float32], *, focus: float = FOCUS) -> None:
        super().__init__(weights)
        self.focus = focus

    def forward(self, logits: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
        """`logits` float (N, K, H, W), `truth` int64 (N, H, W) → a scalar."""
        log_probabilities = F.log_softmax(logits, dim=1)
        doubt = (1 - log_probabilities.exp()).pow(self.focus)
        return self.cross_entropy(doubt * log_probabilities, truth)


@dataclass(frozen=True)
class LossChoice(LossFacts):
    """`make` takes label weights float32 (K,) and gives the module."""

    make: Callable[[npt.NDArray[np.float32]], nn.Module]


_MAKE: Mapping[str, Callable[[npt.NDArray[np.float32]], nn.Module]] = {
    "dice-cross-entropy": DiceCrossEntropy,
    "cross-entropy": partial(DiceCrossEntropy, dice_share=0.0),
    "focal": FocalLoss,
    "tversky": TverskyCrossEntropy,
    "lovasz": LovaszCrossEntropy,
}
LOSSES: Mapping[str, LossChoice] = {
    name: LossChoice(facts.name, facts.title, facts.sentence, _MAKE[name]) for name, facts in LOSS_FACTS.items()
}


def _sums(probabilities: torch.Tensor, truth: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Per label (K,): probability on its own pixels, probability in all, its pixels; 255 left out."""
    label_count = probabilities.shape[1]
    kept = truth != IGNORE_INDEX
    target = F.one_hot(torch.where(kept, truth, 0), label_count).movedim(-1, 1).to(probabilities.dtype)
    mask = kept.unsqueeze(1).to(probabilities.dtype)
    probabilities, target = probabilities * mask, target * mask
    return (probabilities * target).sum((0, 2, 3)), probabilities.sum((0, 2, 3)), target.sum((0, 2, 3))


def _mean_of_present(losses: torch.Tensor, actual: torch.Tensor) -> torch.Tensor:
    present = actual > 0
    return losses[present].mean() if bool(present.any()) else losses.sum() * 0


def _lovasz_gradient(is_label: torch.Tensor) -> torch.Tensor:
    """How much 1 - IoU grows with each further error, from the largest on."""
    total = is_label.sum()
    union = total + (1 - is_label).cumsum(0)
    jaccard = 1 - (total - is_label.cumsum(0)) / union
    return torch.cat([jaccard[:1], jaccard[1:] - jaccard[:-1]])
