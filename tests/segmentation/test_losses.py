"""Losses against numbers worked out by hand, and what must not count."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from segmentation.loss_catalogue import LOSS_FACTS, choose_loss
from segmentation.losses import (
    LOSSES,
    DiceCrossEntropy,
    FocalLoss,
    class_weights,
    lovasz_softmax_loss,
    soft_dice_loss,
    tversky_loss,
)

EVEN = np.ones(3, np.float32)


def logits_for(truth: torch.Tensor, label_count: int, strength: float) -> torch.Tensor:
    return strength * torch.nn.functional.one_hot(truth, label_count).movedim(-1, 1).float()


def test_cross_entropy_by_hand() -> None:
    """Equal logits over three labels: -log(1/3) a pixel, weighted by the mean weight of the pixels."""
    truth = torch.tensor([[[0, 0], [1, 2]]])
    weights = np.array([1, 2, 4], np.float32)
    loss = DiceCrossEntropy(weights, dice_share=0)(torch.zeros(1, 3, 2, 2), truth)
    assert loss.item() == pytest.approx(math.log(3) * (1 + 1 + 2 + 4) / 4, rel=1e-6)


def test_soft_dice_by_hand() -> None:
    """Two labels, probability 0.75 for the right one everywhere, 3 pixels of label 0 and 1 of label 1."""
    truth = torch.tensor([[[0, 0], [0, 1]]])
    right = torch.nn.functional.one_hot(truth, 2).movedim(-1, 1).float()
    probabilities = right * 0.75 + (1 - right) * 0.25
    dice_0 = (2 * 2.25 + 1) / (2.25 + 0.25 + 3 + 1)
    dice_1 = (2 * 0.75 + 1) / (0.75 + 0.75 + 1 + 1)
    assert soft_dice_loss(probabilities, truth).item() == pytest.approx(1 - (dice_0 + dice_1) / 2, rel=1e-6)


def test_a_perfect_prediction_costs_next_to_nothing_and_a_wrong_one_a_lot() -> None:
    truth = torch.randint(0, 3, (2, 16, 16), generator=torch.Generator().manual_seed(1))
    loss = DiceCrossEntropy(EVEN)
    assert loss(logits_for(truth, 3, 20.0), truth).item() < 0.01
    assert loss(logits_for((truth + 1) % 3, 3, 20.0), truth).item() > 10


def test_ignored_pixels_have_no_say() -> None:
    truth = torch.tensor([[[0, 1, 255, 255]]])
    loss = DiceCrossEntropy(EVEN)
    logits = torch.randn(1, 3, 1, 4, generator=torch.Generator().manual_seed(1))
    changed = logits.clone()
    changed[..., 2:] += torch.tensor([5.0, -3.0, 9.0]).view(1, 3, 1, 1)
    assert loss(logits, truth).item() == pytest.approx(loss(changed, truth).item(), rel=1e-6)
    logits.requires_grad_(True)
    loss(logits, truth).backward()
    assert logits.grad is not None
    assert logits.grad[..., 2:].abs().max().item() == 0
    assert logits.grad[..., :2].abs().max().item() > 0


def test_a_chunk_of_ignored_pixels_only_is_zero_and_finite() -> None:
    logits = torch.randn(1, 3, 4, 4, requires_grad=True)
    loss = DiceCrossEntropy(EVEN)(logits, torch.full((1, 4, 4), 255))
    loss.backward()
    assert loss.item() == 0
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()


def test_rare_labels_weigh_more_within_the_ceiling() -> None:
    pixels = np.array([980_000, 19_000, 1_000, 0])
    weights = class_weights(pixels, power=0.5)
    assert weights[0] < weights[1] < weights[2]
    assert weights[2] / weights[1] == pytest.approx(math.sqrt(19), rel=1e-5)
    assert (weights * pixels).sum() / pixels.sum() == pytest.approx(1, rel=1e-5)
    assert weights[3] == weights[1]
    assert class_weights(pixels, power=0).tolist() == [1, 1, 1, 1]
    extreme = class_weights(np.array([10**12, 10**4, 1]), power=1.0, ceiling=20)
    assert extreme[2] / extreme[1] == pytest.approx(20, rel=1e-4)


def test_focal_by_hand() -> None:
    """Equal logits over two labels: a quarter of the cross-entropy at focus 2, all of it at focus 0."""
    truth = torch.tensor([[[0, 1]]])
    weights = np.ones(2, np.float32)
    assert FocalLoss(weights)(torch.zeros(1, 2, 1, 2), truth).item() == pytest.approx(0.25 * math.log(2), rel=1e-6)
    assert FocalLoss(weights, focus=0)(torch.zeros(1, 2, 1, 2), truth).item() == pytest.approx(math.log(2), rel=1e-6)


def test_tversky_by_hand() -> None:
    """The picture of the Dice test: label 1 has 0.75 found, 0.75 marked too much, 0.25 missed."""
    truth = torch.tensor([[[0, 0], [0, 1]]])
    right = torch.nn.functional.one_hot(truth, 2).movedim(-1, 1).float()
    probabilities = right * 0.75 + (1 - right) * 0.25
    index_0 = (2.25 + 1) / (2.25 + 0.3 * 0.25 + 0.7 * 0.75 + 1)
    index_1 = (0.75 + 1) / (0.75 + 0.3 * 0.75 + 0.7 * 0.25 + 1)
    assert tversky_loss(probabilities, truth).item() == pytest.approx(1 - (index_0 + index_1) / 2, rel=1e-6)


def test_tversky_with_equal_weights_is_dice() -> None:
    truth = torch.randint(0, 3, (2, 8, 8), generator=torch.Generator().manual_seed(2))
    probabilities = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(3)).softmax(1)
    equal = tversky_loss(probabilities, truth, false_weight=0.5, missed_weight=0.5).item()
    # The 1 that keeps empty labels from dividing by zero weighs half as much in Dice.
    assert equal == pytest.approx(soft_dice_loss(probabilities, truth).item(), abs=0.01)


def test_lovasz_of_certain_predictions_is_one_minus_iou() -> None:
    """Label 1: one of two found, one marked too much: IoU 1/3. Label 0: one of two, IoU 1/3."""
    truth = torch.tensor([[[0, 0], [1, 1], [255, 255]]])
    found = torch.tensor([[[0, 1], [1, 0], [1, 0]]])
    certain = torch.nn.functional.one_hot(found, 2).movedim(-1, 1).float()
    assert lovasz_softmax_loss(certain, truth).item() == pytest.approx(2 / 3, rel=1e-6)


@pytest.mark.parametrize("name", LOSSES)
class TestEveryLoss:
    def test_learns_from_it_and_right_costs_less(self, name: str) -> None:
        truth = torch.randint(0, 3, (2, 8, 8), generator=torch.Generator().manual_seed(1))
        loss = LOSSES[name].make(EVEN)
        logits = torch.zeros(2, 3, 8, 8, requires_grad=True)
        loss(logits, truth).backward()
        assert logits.grad is not None
        assert torch.isfinite(logits.grad).all()
        stepped = (logits - 5 * logits.grad).detach()
        assert loss(stepped, truth) < loss(logits, truth)
        assert loss(logits_for(truth, 3, 12.0), truth).item() < 0.01

    def test_ignored_pixels_do_not_count(self, name: str) -> None:
        truth = torch.randint(0, 3, (1, 8, 8), generator=torch.Generator().manual_seed(1))
        logits = torch.randn(1, 3, 8, 8, generator=torch.Generator().manual_seed(4))
        ignored = truth.clone()
        ignored[:, 4:] = 255
        loss = LOSSES[name].make(EVEN)
        assert loss(logits, ignored).item() == pytest.approx(loss(logits[:, :, :4], truth[:, :4]).item(), rel=1e-5)
        changed = logits.clone()
        changed[:, :, 4:] += 7
        assert loss(changed, ignored).item() == pytest.approx(loss(logits, ignored).item(), rel=1e-5)

    def test_nothing_judged_costs_nothing(self, name: str) -> None:
        logits = torch.zeros(1, 3, 4, 4, requires_grad=True)
        loss = LOSSES[name].make(EVEN)(logits, torch.full((1, 4, 4), 255))
        loss.backward()
        assert loss.item() == 0

    def test_has_its_words(self, name: str) -> None:
        assert (LOSSES[name].title, LOSSES[name].sentence) == (LOSS_FACTS[name].title, LOSS_FACTS[name].sentence)


@pytest.mark.parametrize(
    ("pixels", "name", "said"),
    [
        ([900, 100], "cross-entropy", "at least 10 %"),
        ([9900, 100], "dice-cross-entropy", "covers 1 %"),
        ([1_000_000, 100, 0], "tversky", "only 0.01 %"),
        ([1000, 0], "dice-cross-entropy", "Fewer than two"),
        ([], "dice-cross-entropy", "Fewer than two"),
    ],
)
def test_the_loss_is_chosen_by_the_rarest_label(pixels: list[int], name: str, said: str) -> None:
    chosen, why = choose_loss(pixels)
    assert (chosen, said in why) == (name, True)
    assert chosen in LOSSES
