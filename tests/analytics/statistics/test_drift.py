"""EWMA and CUSUM against the handbook's examples and published run lengths."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.statistics import cusum, cusum_run_length, ewma, ewma_run_length, false_alarm_rate, standardise
from analytics.statistics.drift import LAMBDA, WIDTH, H, K

# NIST/SEMATECH e-Handbook, section 6.3.2.4: target 50, standard deviation 2.0539, λ = 0.3.
EWMA_DATA = [52.0, 47.0, 53.0, 49.3, 50.1, 47.0, 51.0, 50.1, 51.2, 50.5]
EWMA_DATA += [49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1]
EWMA_TOLD = [50.60, 49.52, 50.56, 50.18, 50.16, 49.21, 49.75, 49.85, 50.26, 50.33]
EWMA_TOLD += [50.11, 49.36, 49.52, 50.05, 49.38, 49.92, 50.73, 51.23, 51.94, 51.99]
# The same, section 6.3.2.3: group means, target 325, k = 0.3175, h = 4.1959.
CUSUM_DATA = [324.925, 324.675, 324.725, 324.350, 325.350, 325.225, 324.125, 324.525, 325.225, 324.600]
CUSUM_DATA += [324.625, 325.150, 328.325, 327.250, 327.825, 328.500, 326.675, 327.775, 326.875, 328.350]
CUSUM_HIGH = {5: 0.03, 13: 3.01, 14: 4.94, 15: 7.45, 16: 10.63, 17: 11.99, 18: 14.44, 19: 16.00, 20: 19.04}
CUSUM_LOW = {4: 0.33, 7: 0.56, 8: 0.72, 9: 0.17}


def test_ewma_of_the_handbook() -> None:
    """Limits 52.5884 and 47.4115, no point outside."""
    found = ewma([(value - 50) / 2.0539 for value in EWMA_DATA], lam=0.3, width=3)
    assert [50 + 2.0539 * point for point in found.points] == pytest.approx(EWMA_TOLD, abs=6e-3)
    assert 50 + 2.0539 * found.limit == pytest.approx(52.5884, abs=2e-3)
    assert found.first_alarm is None


def test_cusum_of_the_handbook() -> None:
    """The sum passes 4.1959 at group 14; its climb begins at group 13."""
    found = cusum([value - 325 for value in CUSUM_DATA], k=0.3175, h=4.1959)
    for group, told in CUSUM_HIGH.items():
        assert found.high[group - 1] == pytest.approx(told, abs=6e-3)
    for group, told in CUSUM_LOW.items():
        assert found.low[group - 1] == pytest.approx(told, abs=6e-3)
    assert (found.first_alarm, found.changed_from) == (13, 12)


@pytest.mark.parametrize(("lam", "width"), [(0.40, 3.054), (0.25, 2.998), (0.20, 2.962), (0.10, 2.814), (0.05, 2.615)])
def test_run_length_of_ewma(lam: float, width: float) -> None:
    """Table 3 of Lucas and Saccucci 1990 (also Montgomery, table 9.11): about 500 points each."""
    assert ewma_run_length(lam, width) == pytest.approx(500, rel=0.01)


@pytest.mark.parametrize(("h", "published"), [(4, 168), (5, 465)])
def test_run_length_of_cusum(h: float, published: float) -> None:
    """Montgomery, table 9.3 (k = 0.5, two-sided)."""
    assert cusum_run_length(0.5, h) == pytest.approx(published, rel=0.01)


def simulated(alarms: np.ndarray) -> float:
    """Points waited per alarm, over all series of which some never alarmed."""
    waited = np.where(alarms.any(axis=1), alarms.argmax(axis=1) + 1, alarms.shape[1]).sum()
    return float(waited / alarms.any(axis=1).sum())


def test_run_lengths_by_simulation() -> None:
    z = np.random.default_rng(21).standard_normal((600, 2000)).T
    last, high, low = np.zeros(600), np.zeros(600), np.zeros(600)
    by_ewma, by_cusum = [], []
    limit = WIDTH * (LAMBDA / (2 - LAMBDA)) ** 0.5
    for row in z:
        last = LAMBDA * row + (1 - LAMBDA) * last
        high, low = np.maximum(0, high + row - K), np.maximum(0, low - row - K)
        by_ewma.append(np.abs(last) > limit)
        by_cusum.append((high > H) | (low > H))
    assert simulated(np.array(by_ewma).T) == pytest.approx(ewma_run_length(), rel=0.12)
    assert simulated(np.array(by_cusum).T) == pytest.approx(cusum_run_length(), rel=0.12)


def test_false_alarm_rate() -> None:
    assert false_alarm_rate(500, 30) == pytest.approx(1 - 0.998**30)
    assert false_alarm_rate(500, 0) == 0
    with pytest.raises(ValueError, match="run length"):
        false_alarm_rate(0.5, 3)


def test_days_of_few_images_may_stray_further() -> None:
    random = np.random.default_rng(22)
    ns = [400, 25] * 200
    means = [float(random.normal(100, 20 / n**0.5)) for n in ns]
    z = standardise(means, [20.0] * 400, ns)
    assert z is not None
    assert np.std(z[::2]) == pytest.approx(1, abs=0.15)
    assert np.std(z[1::2]) == pytest.approx(1, abs=0.15)


def test_days_that_differ_anyway_do_not_alarm() -> None:
    random = np.random.default_rng(23)
    alarms = 0
    for _ in range(100):
        means = random.normal(100, 2, size=60).tolist()
        z = standardise(means, [20.0] * 60, [10_000] * 60, baseline=slice(0, 30))
        assert z is not None
        alarms += ewma(z[30:]).first_alarm is not None
    # 30 points at one false alarm in 500 give 6 %; a mean and spread from 30 days give some more.
    assert alarms <= 30


@pytest.mark.parametrize("with_sizes", [True, False])
def test_a_slow_drift_is_found_and_dated(with_sizes: bool) -> None:
    random = np.random.default_rng(24)
    means = (random.normal(100, 2, size=90) + np.r_[np.zeros(50), np.full(40, 3.0)]).tolist()
    z = standardise(means, *(([20.0] * 90, [10_000] * 90) if with_sizes else (None, None)), baseline=slice(0, 40))
    assert z is not None
    moved, summed = ewma(z), cusum(z)
    assert moved.first_alarm is not None
    assert 50 <= moved.first_alarm <= 65
    assert summed.first_alarm is not None
    assert summed.changed_from == pytest.approx(50, abs=3)


def test_what_is_no_baseline() -> None:
    assert standardise([1.0, 2.0] * 7) is None
    assert standardise([1.0] * 30) is None
    assert standardise([1.0] * 30, [0.0] * 30, [5] * 30) is None
    with pytest.raises(ValueError, match="count of 1"):
        standardise([1.0] * 30, [1.0] * 30, [0] * 30)


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="lam"):
        ewma([0.0], lam=0)
    with pytest.raises(ValueError, match="h > 0"):
        cusum([0.0], h=0)


def test_no_points() -> None:
    assert (ewma([]).points, cusum([]).first_alarm) == ((), None)
