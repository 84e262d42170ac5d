"""Training on pictures drawn here: it learns, repeats, stops when told, and validates as predictions are served."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from segmentation.augment import NO_AUGMENTATION
from segmentation.evaluation import evaluate
from segmentation.model_card import model_card
from segmentation.pairs import Pair, PairError
from segmentation.schedule import AveragedModel, Budget, learning_rate_factor
from segmentation.segmenter import Segmenter
from segmentation.spec import LabelSpec, ModelSpec
from segmentation.train import Epoch, TrainSettings, train
from segmentation.weights import save_model

LABELS = (
    LabelSpec(0, "background", "#808080"),
    LabelSpec(1, "red", "#DC1E1E", is_defect=True),
    LabelSpec(2, "blue", "#1E3CDC", is_defect=True),
    LabelSpec(3, "never seen", "#00FF00", is_defect=True),
)
SPEC = ModelSpec(
    "unet", LABELS, encoder="tu-test_resnet", options={"encoder_depth": 3, "decoder_channels": [16, 16, 16]}
)
SETTINGS = TrainSettings(
    epochs=2,
    chunk_size=4,
    crop_px=64,
    learning_rate=5e-3,
    averaging=0.8,
    augmentation=NO_AUGMENTATION,
    device="cpu",
)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def pair(number: int, *, labels: tuple[int, ...] = (1, 2), ignored: bool = False) -> Pair:
    """Grey with a red and a blue square at random places, a little noise."""

    def read() -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(number)
        mask = np.zeros((64, 80), np.uint8)
        for label in labels:
            x, y, side = rng.integers(0, 60), rng.integers(0, 44), rng.integers(10, 20)
            mask[y : y + side, x : x + side] = label
        rgb = np.array([label.rgb for label in LABELS], np.int64)[mask % len(LABELS)] + rng.integers(
            -12, 13, (64, 80, 3)
        )
        if ignored:
            mask[:] = 255
        return np.clip(rgb, 0, 255).astype(np.uint8), mask

    return Pair(f"picture {number}", read)


TRAIN, VALIDATION = [pair(number) for number in range(16)], [pair(100 + number) for number in range(4)]


def last(epochs: list[Epoch]) -> Epoch:
    return epochs[-1]


@pytest.fixture(scope="module")
def trained() -> list[Epoch]:
    torch.set_num_threads(1)
    return list(train(TRAIN, VALIDATION, SPEC, dataclasses.replace(SETTINGS, epochs=12, patience=None)))


def test_it_learns(trained: list[Epoch]) -> None:
    assert [epoch.index for epoch in trained] == list(range(1, 13))
    assert trained[-1].loss < 0.5 * trained[0].loss
    final = trained[trained[-1].best_index - 1]
    assert final.is_best
    assert min(iou for iou in final.iou[:3] if iou is not None) > 0.7


def test_labels_in_neither_truth_nor_prediction_have_no_score(trained: list[Epoch]) -> None:
    final = trained[trained[-1].best_index - 1]
    assert final.iou[3] is None
    scores = [iou for iou in final.iou if iou is not None]
    assert final.mean_iou == pytest.approx(sum(scores) / 3)


def test_progress_only_rises_to_one(trained: list[Epoch]) -> None:
    shares = [epoch.progress_fraction for epoch in trained]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert [epoch.steps for epoch in trained] == sorted(epoch.steps for epoch in trained)


def test_best_weights_are_handed_over_and_serve_as_validated(trained: list[Epoch], tmp_path: Path) -> None:
    """Saved and loaded again, the model scores on the validation pictures exactly what training reported."""
    final = trained[-1]
    assert not final.module.training
    save_model(tmp_path, SPEC, final.module, card="")
    result = evaluate(Segmenter(tmp_path, device="cpu"), VALIDATION, min_region_px=1)
    assert result.agreement.ious() == final.best_iou == trained[final.best_index - 1].iou
    assert result.outcomes == final.outcomes


def test_card_tells_the_scores_and_the_settings(trained: list[Epoch], tmp_path: Path) -> None:
    save_model(tmp_path, SPEC, trained[-1].module, card="")
    result = evaluate(Segmenter(tmp_path, device="cpu"), VALIDATION)
    card = model_card(
        title="Test model",
        summary="Finds squares.",
        data=["Drawn."],
        spec=SPEC,
        settings=SETTINGS,
        steps=trained[-1].steps,
        evaluation=result,
        evaluated_on="4 pictures",
        limits=["Squares only."],
        licence="MIT",
    )
    assert f"| red | {result.agreement.iou(1):.3f} |" in card
    assert "| never seen | – |" in card
    assert f"| gradient steps | {trained[-1].steps} |" in card
    assert f"| torch | {torch.__version__} |" in card


def test_same_seed_same_training_other_seed_another() -> None:
    def losses(seed: int) -> list[float]:
        settings = dataclasses.replace(SETTINGS, seed=seed, epochs=1)
        return [epoch.loss for epoch in train(TRAIN[:6], VALIDATION[:1], SPEC, settings)]

    assert losses(1) == losses(1)
    assert losses(1) != losses(2)


def test_the_caller_may_stop() -> None:
    epochs = train(TRAIN, VALIDATION, SPEC, dataclasses.replace(SETTINGS, epochs=1000))
    first = next(epochs)
    epochs.close()
    assert first.progress_fraction < 0.01
    assert first.module is not None


def test_minutes_are_kept() -> None:
    began = time.monotonic()
    settings = dataclasses.replace(SETTINGS, epochs=None, minutes=3 / 60, patience=None)
    epochs = list(train(TRAIN, VALIDATION, SPEC, settings))
    assert 1.5 < time.monotonic() - began < 30
    assert epochs[-1].progress_fraction == 1.0
    assert epochs[-1].steps > 0


def test_patience_ends_a_training_that_gets_no_better() -> None:
    """With a learning rate of next to nothing the first epoch stays the best."""
    settings = dataclasses.replace(SETTINGS, epochs=50, learning_rate=1e-12, patience=3, averaging=0.0)
    epochs = list(train(TRAIN[:4], VALIDATION[:1], SPEC, settings))
    assert len(epochs) < 12


def test_ignored_pictures_teach_nothing() -> None:
    ignored = [pair(number, ignored=True) for number in range(4)]
    assert last(list(train(ignored, VALIDATION, SPEC, SETTINGS))).loss == 0


def test_label_that_validation_lacks_is_watched() -> None:
    """Blue occurs in training only: its score is None there, yet it decides with red which epoch is best."""
    only_red = [pair(200 + number, labels=(1,)) for number in range(3)]
    epochs = list(train(TRAIN, only_red, SPEC, dataclasses.replace(SETTINGS, epochs=8, patience=None)))
    found = [
        bool((Segmenter.of_module(SPEC, last(epochs).module, device="cpu").segment([rgb])[0].mask == 2).any())
        for rgb, _ in (case.read() for case in TRAIN[:4])
    ]
    assert any(found)


def test_scaled_down_training_is_scored_at_full_size() -> None:
    spec = dataclasses.replace(SPEC, max_side_px=40)
    epoch = next(train(TRAIN, VALIDATION, spec, dataclasses.replace(SETTINGS, crop_px=32)))
    assert len(epoch.outcomes) == len(VALIDATION)
    assert sum(outcome.is_defective for outcome in epoch.outcomes) == len(VALIDATION)


class TestRefusals:
    def test_nothing_to_learn_from(self) -> None:
        with pytest.raises(ValueError, match="got 0 and 4; add pictures"):
            next(train([], VALIDATION, SPEC, SETTINGS))
        with pytest.raises(ValueError, match="got 16 and 0"):
            next(train(TRAIN, [], SPEC, SETTINGS))

    def test_mask_with_a_label_the_model_does_not_have(self) -> None:
        with pytest.raises(PairError, match="picture 3: the mask holds 7, expected 0 to 3 or 255"):
            next(train([*TRAIN, pair(3, labels=(7,))], VALIDATION, SPEC, SETTINGS))

    def test_settings_that_contradict_themselves(self) -> None:
        with pytest.raises(ValueError, match="epochs or minutes, not both"):
            TrainSettings(epochs=1, minutes=1)
        with pytest.raises(ValueError, match="at least one epoch"):
            TrainSettings(epochs=0)


class TestSchedule:
    def test_learning_rate_rises_then_falls_to_zero(self) -> None:
        factors = [learning_rate_factor(share, 0.1) for share in np.linspace(0, 1, 101)]
        assert factors[10] == pytest.approx(1.0)
        assert factors[:11] == sorted(factors[:11])
        assert factors[10:] == sorted(factors[10:], reverse=True)
        assert factors[-1] == pytest.approx(0.0, abs=1e-9)
        assert factors[0] > 0

    def test_budget_of_seconds_leaves_time_for_validation(self) -> None:
        now = [100.0]
        budget = Budget(steps=None, seconds=50, clock=lambda: now[0])
        assert budget.progress_fraction == 0
        now[0] = 120.0
        assert budget.progress_fraction == 0.4
        budget.kept_back_seconds = 10
        assert budget.progress_fraction == 0.5
        now[0] = 141.0
        assert budget.progress_fraction == 1.0

    def test_budget_needs_one_of_both(self) -> None:
        with pytest.raises(ValueError, match="either epochs or minutes"):
            Budget(steps=None, seconds=None)

    def test_average_follows_slowly_and_copies_counters(self) -> None:
        module = torch.nn.BatchNorm1d(1)
        average = AveragedModel(module, decay=0.5)
        with torch.no_grad():
            module.weight.fill_(3.0)
            module.num_batches_tracked.fill_(7)
        for _ in range(8):
            average.update(module)
        weight = average.module.state_dict()["weight"].item()
        assert 2.9 < weight < 3.0
        assert average.module.state_dict()["num_batches_tracked"].item() == 7
        assert not average.module.training
