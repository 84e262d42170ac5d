"""Rates corrected for the model's errors: formulas, and coverage of simulated truth."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.statistics import rogan_gladen


def test_value_is_rogan_and_gladens() -> None:
    """The same example as epiR's `epi.prev`: 23 of 150 positive, sensitivity 96 %, specificity 89 %: 5.1 % true."""
    estimate = rogan_gladen(23, 150, 0.96, 0.89)
    assert estimate is not None
    assert estimate.value == pytest.approx(0.051, abs=5e-4)
    assert (round(estimate.low, 2), round(estimate.high, 2)) == (0.0, 0.13)


def test_interval_is_lang_and_reiczigels() -> None:
    """Computed, not published: their equations written out for 27 of 650, 50 of 100 found, 199 of 200 passed."""
    z = 1.959963984540054
    rate, size = (27 + z * z / 2) / (650 + z * z), 650 + z * z
    found, passed = 51 / 102, 200 / 202
    true = (rate + passed - 1) / (found + passed - 1)
    spread = (
        rate * (1 - rate) / size + found * (1 - found) / 102 * true**2 + passed * (1 - passed) / 202 * (1 - true) ** 2
    ) ** 0.5 / (found + passed - 1)
    shift = 2 * z * z * (true * found * (1 - found) / 102 - (1 - true) * passed * (1 - passed) / 202)
    estimate = rogan_gladen(27, 650, 0.5, 0.995, 100, 200)
    assert estimate is not None
    assert estimate.value == pytest.approx((27 / 650 - 0.005) / 0.495)
    assert estimate.low == pytest.approx(true + shift - z * spread)
    assert estimate.high == pytest.approx(true + shift + z * spread)


@pytest.mark.parametrize(
    ("rate", "sensitivity", "specificity"), [(0.05, 0.9, 0.98), (0.2, 0.8, 0.95), (0.01, 0.95, 0.99), (0.5, 0.7, 0.9)]
)
def test_interval_covers_the_truth(rate: float, sensitivity: float, specificity: float) -> None:
    random = np.random.default_rng(11)
    apparent = rate * sensitivity + (1 - rate) * (1 - specificity)
    failed = random.binomial(2000, apparent, size=1000)
    found = random.binomial(150, sensitivity, size=1000) / 150
    passed = random.binomial(300, specificity, size=1000) / 300
    covered = 0
    for count, one, other in zip(failed.tolist(), found.tolist(), passed.tolist(), strict=True):
        estimate = rogan_gladen(count, 2000, one, other, 150, 300)
        assert estimate is not None
        assert estimate.low <= estimate.value <= estimate.high
        covered += estimate.low <= rate <= estimate.high
    assert covered >= 930


def test_a_perfect_model_changes_nothing() -> None:
    estimate = rogan_gladen(10, 100, 1.0, 1.0)
    assert estimate is not None
    assert estimate.value == pytest.approx(0.1)
    assert (round(estimate.low, 4), round(estimate.high, 4)) == (0.0552, 0.1744)


def test_a_model_that_guesses_or_saw_nothing_tells_nothing() -> None:
    assert rogan_gladen(10, 100, 0.5, 0.5) is None
    assert rogan_gladen(0, 0, 0.9, 0.9) is None


def test_fewer_failures_than_false_alarms_mean_none() -> None:
    estimate = rogan_gladen(1, 100, 0.9, 0.95, 50, 50)
    assert estimate is not None
    assert (estimate.value, estimate.low) == (0.0, 0.0)
    assert estimate.high > 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [((3, 2, 0.9, 0.9), "count=3"), ((1, 2, 1.1, 0.9), "shares"), ((1, 2, 0.9, 0.9, 10, None), "both sample sizes")],
)
def test_impossible_input_is_refused(arguments: tuple[int, int, float, float], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        rogan_gladen(*arguments)
