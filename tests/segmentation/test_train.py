"""Training on pictures drawn here: it learns, repeats, stops when told, and validates as predictions are served."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from segmentation.evaluation import evaluate
from segmentation.model_card import model_card
from segmentation.pairs import PairError
from segmentation.schedule import AveragedModel, Budget, learning_rate_factor
from segmentation.segmenter import Segmenter
from segmentation.spec import ModelSpec
from segmentation.train import Epoch, TrainSettings, train
from segmentation.weights import save_model
from tests.segmentation.squares import LABELS, SETTINGS, SPEC, TRAIN, VALIDATION, pair


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


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


def test_the_curve_is_told(trained: list[Epoch]) -> None:
    """Loss on unseen crops falls with the other, the learning rate ends low, the time left runs out."""
    losses = [epoch.validation_loss for epoch in trained]
    assert all(loss is not None for loss in losses)
    assert losses[-1] < 0.6 * losses[0]
    rates = [epoch.learning_rate for epoch in trained]
    assert max(rates) <= SETTINGS.learning_rate
    assert 0 < rates[-1] < 0.1 * SETTINGS.learning_rate
    left = [epoch.seconds_left for epoch in trained]
    assert left[0] > left[-1] == 0


def test_the_same_four_pictures_are_shown_every_time(trained: list[Epoch]) -> None:
    truths = {case.name: case.read()[1] for case in VALIDATION}
    for epoch in trained:
        assert [preview.name for preview in epoch.previews] == [case.name for case in VALIDATION]
    for preview in trained[-1].previews:
        assert preview.rgb.shape == (64, 80, 3)
        np.testing.assert_array_equal(preview.truth, truths[preview.name])
        assert (preview.mask == preview.truth).mean() > 0.9
    assert any((one.mask != two.mask).any() for one, two in zip(trained[0].previews, trained[-1].previews, strict=True))


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


def test_minutes_of_the_processor_are_kept() -> None:
    """Waiting costs nothing: a caller that sleeps as long as the budget still gets the whole training."""
    began, slept = time.process_time(), 0.0
    settings = dataclasses.replace(SETTINGS, epochs=None, cpu_minutes=1.5 / 60, patience=None)
    for epoch in train(TRAIN[:4], VALIDATION[:1], SPEC, settings):
        if slept < 1.5 and epoch.progress_fraction < 0.5:
            time.sleep(0.75)
            slept += 0.75
    assert epoch.progress_fraction == 1.0
    assert 0.75 < time.process_time() - began < 15
    assert epoch.seconds > time.process_time() - began - 0.5 or slept == 0


def test_patience_ends_a_training_that_gets_no_better() -> None:
    """With a learning rate of next to nothing the first epoch stays the best."""
    settings = dataclasses.replace(SETTINGS, epochs=50, learning_rate=1e-12, patience=3, averaging=0.0)
    epochs = list(train(TRAIN[:4], VALIDATION[:1], SPEC, settings))
    assert len(epochs) < 12


def test_ignored_pictures_teach_nothing() -> None:
    ignored = [pair(number, ignored=True) for number in range(4)]
    assert last(list(train(ignored, VALIDATION, SPEC, SETTINGS))).loss == 0


def test_a_classical_method_has_one_epoch_with_all_there_is_to_tell(tmp_path: Path) -> None:
    """Saved with the spec it comes with, it serves as it was scored."""
    spec = ModelSpec("linear-svm", LABELS)
    (epoch,) = train(TRAIN[:6], VALIDATION, spec, SETTINGS)
    assert (epoch.index, epoch.best_index, epoch.is_best, epoch.progress_fraction) == (1, 1, True, 1.0)
    assert np.isnan(epoch.loss)
    assert epoch.validation_loss is None
    assert len(epoch.previews) == len(epoch.outcomes) == 4
    assert epoch.mean_iou is not None
    assert epoch.mean_iou > 0.5
    save_model(tmp_path, epoch.spec, epoch.module, card="")
    result = evaluate(Segmenter(tmp_path, device="cpu"), VALIDATION, min_region_px=1)
    assert result.agreement.ious() == epoch.iou


def test_what_needs_no_training_is_not_trained() -> None:
    with pytest.raises(ValueError, match="nearest-color needs no training"):
        next(train(TRAIN, VALIDATION, ModelSpec("nearest-color", LABELS), SETTINGS))


@pytest.mark.parametrize("loss", ["cross-entropy", "tversky"])
def test_the_loss_is_chosen_by_name(loss: str) -> None:
    """Another loss gives other numbers from the same first step on."""
    settings = dataclasses.replace(SETTINGS, epochs=1)
    usual = next(train(TRAIN[:2], VALIDATION[:1], SPEC, settings)).loss
    assert next(train(TRAIN[:2], VALIDATION[:1], SPEC, dataclasses.replace(settings, loss=loss))).loss != usual


NEW_PAGES = """
import resource
import torch
from torch import nn
from segmentation.heap import kept_heap

torch.set_num_threads(1)
network = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 16, 3, padding=1), nn.ReLU())
pixels = torch.zeros(8, 3, 128, 128)

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def four_steps():
    for step in range(6):
        if step == 2:
            before = faults()
        network(pixels).sum().backward()
    return faults() - before

usual = four_steps()
with kept_heap():
    kept = four_steps()
before = faults()
torch.ones(64 * 1024**2 // 4)
print(usual, kept, faults() - before)
"""


def test_freed_memory_is_kept_while_training() -> None:
    """Steps take few new pages from the system, and afterwards what was kept is given back.

    In a process of its own: how the heap lies depends on all that ran before.
    """
    printed = subprocess.run([sys.executable, "-c", NEW_PAGES], check=True, capture_output=True, text=True).stdout
    usual, kept, afterwards = map(int, printed.split())
    assert usual > 10_000
    assert kept < usual / 2
    assert afterwards > 10_000


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
        with pytest.raises(ValueError, match="cpu_minutes only without"):
            TrainSettings(minutes=1, cpu_minutes=1)
        with pytest.raises(ValueError, match="not from both"):
            TrainSettings(pretrained="imagenet", initial_model=Path("earlier"))
        with pytest.raises(ValueError, match="no loss 'hope': take 'auto' or one of dice-cross-entropy"):
            next(train(TRAIN[:2], VALIDATION[:1], SPEC, dataclasses.replace(SETTINGS, loss="hope")))

    def test_a_picture_of_the_locked_test_split(self) -> None:
        locked = dataclasses.replace(TRAIN[0], is_held_out=True)
        with pytest.raises(PairError, match="picture 0 belongs to the test split"):
            next(train([*TRAIN[1:], locked], VALIDATION, SPEC, SETTINGS))


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

    def test_budget_goes_on_after_an_interruption(self) -> None:
        now = [7.0]
        budget = Budget(steps=None, seconds=50, clock=lambda: now[0], spent_seconds=20)
        now[0] = 17.0
        assert budget.elapsed_seconds == 30
        assert budget.progress_fraction == 0.6

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
