"""Reliability by hand, and temperatures that are known because the labels were drawn from them."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmentation.judging.calibration import (
    LARGEST_TEMPERATURE,
    SMALLEST_TEMPERATURE,
    ReliabilityBin,
    best_temperature,
    calibration,
    calibration_error,
    confidences,
    reliability,
)
from segmentation.judging.temperature import PIXELS_PER_PICTURE, fit_temperature, sample_pixels, spread
from segmentation.pairs import Pair
from segmentation.spec import ModelSpec
from tests.segmentation.models import GREY, LABELS, RED, segmenter


def test_bins_and_error_by_hand() -> None:
    """Of four answers at 0.9 three are right, of two at 0.35 one: (4 · 0.15 + 2 · 0.15) / 6."""
    bins = reliability(
        np.array([0.9, 0.9, 0.9, 0.9, 0.35, 0.35]), np.array([True, True, True, False, True, False]), bin_count=10
    )
    assert bins == (
        ReliabilityBin(pytest.approx(0.35), 0.5, 2),
        ReliabilityBin(pytest.approx(0.9), 0.75, 4),
    )
    assert calibration_error(bins) == pytest.approx(0.15)
    assert calibration_error(()) is None


def test_marked_defects_are_looked_at_on_their_own() -> None:
    """Two pixels are marked as label 1, one rightly, each at confidence 1 / (1 + e⁻²) = 0.8808."""
    logits = np.array([[0, 2], [0, 2], [9, 0]], np.float32)
    found = calibration(logits, np.array([1, 0, 0], np.uint8), 1.0, {1})
    assert found.defects_after == (ReliabilityBin(pytest.approx(0.8808, abs=1e-4), 0.5, 2),)
    assert calibration(logits[:0], np.zeros(0, np.uint8), 1.0, {1}).error_after is None


def test_a_confidence_of_one_falls_into_the_last_bin() -> None:
    assert reliability(np.array([1.0, 0.999]), np.array([True, True])) == (ReliabilityBin(pytest.approx(0.9995), 1, 2),)


def drawn(temperature: float, count: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    """Logits of three labels, and labels drawn with softmax(logits / temperature)."""
    rng = np.random.default_rng(5)
    logits = (4 * rng.standard_normal((count, 3))).astype(np.float32)
    gumbel = -np.log(-np.log(rng.random((count, 3))))
    return logits, (logits / temperature + gumbel).argmax(axis=1).astype(np.uint8)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_that_labels_were_drawn_with_is_found(temperature: float) -> None:
    logits, truth = drawn(temperature)
    found = best_temperature(logits, truth, np.ones(len(truth)))
    assert found == pytest.approx(temperature, rel=0.05)
    result = calibration(logits, truth, found)
    assert result.error_after is not None
    assert result.error_after < 0.015
    if temperature != 1:
        assert result.error_before is not None
        assert result.error_before > 0.05


def test_weights_stand_for_pixels() -> None:
    """The same pixel twice is the same as twice its weight."""
    logits, truth = drawn(2.0, 400)
    twice = best_temperature(np.concatenate([logits, logits[:50]]), np.concatenate([truth, truth[:50]]), np.ones(450))
    weights = np.ones(400)
    weights[:50] = 2
    assert best_temperature(logits, truth, weights) == pytest.approx(twice, abs=1e-3)


def test_faultless_and_hopeless_models_stay_within_bounds() -> None:
    logits = np.array([[4, 0], [0, 4]], np.float32)
    assert best_temperature(logits, np.array([0, 1], np.uint8), np.ones(2)) == pytest.approx(
        SMALLEST_TEMPERATURE, rel=0.01
    )
    assert best_temperature(logits, np.array([1, 0], np.uint8), np.ones(2)) == pytest.approx(
        LARGEST_TEMPERATURE, rel=0.01
    )
    assert best_temperature(logits[:0], np.zeros(0, np.uint8), np.ones(0)) == 1.0


@given(
    st.lists(st.lists(st.floats(-50, 50, width=32), min_size=3, max_size=3), min_size=1, max_size=8),
    st.floats(0.25, 10),
)
def test_confidence_is_the_winners_softmax(rows: list[list[float]], temperature: float) -> None:
    logits = np.array(rows, np.float32)
    scaled = np.exp(logits.astype(np.float64) / temperature)
    assert confidences(logits, temperature) == pytest.approx((scaled / scaled.sum(axis=1, keepdims=True)).max(axis=1))
    assert (confidences(logits, temperature) >= 1 / 3 - 1e-9).all()


def test_sampled_pixels_are_judged_ones() -> None:
    truth = np.full((80, 80), 255, np.uint8)
    truth[10:20, 10:20] = 1
    assert set(truth.ravel()[sample_pixels(truth, np.random.default_rng(1))]) == {1}
    assert len(sample_pixels(np.zeros((80, 80), np.uint8), np.random.default_rng(1))) == PIXELS_PER_PICTURE
    assert len(sample_pixels(np.full((9, 9), 255, np.uint8), np.random.default_rng(1))) == 0


def test_pictures_are_spread_evenly() -> None:
    pairs = [
        Pair(str(number), lambda: (np.zeros((1, 1, 3), np.uint8), np.zeros((1, 1), np.uint8))) for number in range(9)
    ]
    assert [pair.name for pair in spread(pairs, 3)] == ["0", "4", "8"]
    assert spread(pairs, 20) == pairs
    assert spread([], 4) == []


class Sure:
    """Scores red pixels 3 for label 1 and all others 3 for label 0, against 0 for the other label."""

    spec = ModelSpec("nearest-color", LABELS[:2])

    def logits_at(self, image: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        red = image[rows, columns, 0] > 200
        return np.stack([3.0 * ~red, 3.0 * red], axis=1).astype(np.float32)


def test_fitting_a_model_that_is_right_four_times_in_five() -> None:
    """Its likelihood is greatest where its confidence 1 / (1 + exp(-3 / T)) is 0.8, in rare and in common labels."""

    def read() -> tuple[np.ndarray, np.ndarray]:
        rgb = np.full((30, 40, 3), GREY, np.uint8)
        rgb[:10] = RED
        truth = np.zeros((30, 40), np.uint8)
        truth[:10] = 1
        truth[:, ::5] = 1 - truth[:, ::5]
        return rgb, truth

    assert fit_temperature(Sure(), [Pair("a", read)]) == pytest.approx(3 / math.log(4), rel=0.002)
    unjudged = Pair("b", lambda: (read()[0], np.full((30, 40), 255, np.uint8)))
    assert fit_temperature(Sure(), [unjudged]) == 1.0


@pytest.mark.parametrize("changes", [{}, {"tile_px": 16}, {"max_side_px": 20}])
def test_logits_of_single_pixels_are_those_the_mask_is_made_of(tmp_path: Path, changes: dict[str, int]) -> None:
    model = segmenter(tmp_path, **changes)
    rgb = np.random.default_rng(2).integers(0, 256, (30, 41, 3), dtype=np.uint8)
    rows, columns = np.divmod(np.arange(rgb.shape[0] * rgb.shape[1]), rgb.shape[1])
    logits = model.logits_at(rgb, rows, columns)
    assert logits.dtype == np.float32
    segmented = model.segment([rgb])[0]
    assert (logits.argmax(axis=1) == segmented.mask.ravel()).all()
    assert confidences(logits, 1.0) == pytest.approx(segmented.confidence.ravel(), abs=0.01)
