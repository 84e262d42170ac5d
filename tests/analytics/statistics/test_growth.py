"""Growth over time: Sen's own example, and coverage of simulated truth."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from scipy.stats import theilslopes

from analytics.statistics import Growth, fit_growth
from analytics.statistics.growth import MAX_VALUES_COUNT

START = datetime(2026, 1, 1, tzinfo=UTC)
# P. K. Sen 1968, section 7 (data of Graybill 1961): slope 4, interval 26/7 to 35/8 at 93 %.
DAYS, VALUES = [1, 2, 3, 4, 10, 12, 18], [9, 15, 19, 20, 45, 55, 78]


def times(days: list[float] | np.ndarray) -> list[datetime]:
    """Days after the start of 2026."""
    return [START + timedelta(days=float(day)) for day in days]


def grown(days: list[float], values: list[float], level: float = 0.95) -> Growth:
    """A growth that is there."""
    found = fit_growth(times(days), values, level)
    assert found is not None
    return found


def test_slope_of_sens_example() -> None:
    found = grown(DAYS, VALUES)
    assert found.slope == pytest.approx(4.0)
    assert found.low <= 26 / 7 <= 35 / 8 <= found.high
    slopes = sorted((VALUES[j] - VALUES[i]) / (DAYS[j] - DAYS[i]) for i in range(7) for j in range(i + 1, 7))
    assert (slopes[3], slopes[17]) == pytest.approx((26 / 7, 35 / 8))
    assert found.is_clear


def test_p_value_is_mann_and_kendalls() -> None:
    """Every pair of the example rises: S = 21 of 21, exactly 2 in 7! orders."""
    assert grown(DAYS, VALUES).p_value == pytest.approx(2 / 5040)
    assert grown(DAYS, [5.0] * 7).p_value == 1.0


def test_order_and_offset_do_not_matter() -> None:
    there, back = grown(DAYS, VALUES), grown(DAYS[::-1], VALUES[::-1])
    assert there == back
    later = fit_growth([when + timedelta(days=99) for when in times(DAYS)], VALUES)
    assert later is not None
    assert later.slope == there.slope


def test_crossing_of_a_straight_line() -> None:
    found = grown(list(range(20)), [2.0 * day for day in range(20)])
    crossing = found.crossing(100)
    assert crossing is not None
    assert crossing.at == crossing.earliest == crossing.latest == START + timedelta(days=50)
    assert found.at(START + timedelta(days=7)) == pytest.approx(14)


def test_shrinking_values_cross_too() -> None:
    crossing = grown(list(range(20)), [100 - 2.0 * day for day in range(20)]).crossing(0)
    assert crossing is not None
    assert crossing.at == START + timedelta(days=50)


def test_no_date_without_clear_growth() -> None:
    noise = np.random.default_rng(51).normal(size=30)
    assert grown(list(range(30)), noise.tolist()).crossing(100) is None
    assert grown(list(range(30)), [1 + 1e-6 * day for day in range(30)]).crossing(100) is None


@pytest.mark.parametrize(("noise", "limit"), [(4.0, 60.0), (8.0, 60.0), (4.0, 25.0), (4.0, 5.0)])
def test_intervals_cover_the_truth(noise: float, limit: float) -> None:
    """A wear area of 10 + 0.5 per day, 40 values in 60 days, and when it is `limit`; 200 trials."""
    random = np.random.default_rng(52)
    days = np.sort(random.uniform(0, 60, size=40))
    truth = START + timedelta(days=(limit - 10) / 0.5)
    slopes = crossings = 0
    for _ in range(200):
        found = grown(days, (10 + 0.5 * days + random.normal(0, noise, size=40)).tolist())
        slopes += found.low <= 0.5 <= found.high
        crossing = found.crossing(limit)
        assert crossing is not None
        assert crossing.earliest <= crossing.at
        crossings += crossing.earliest <= truth and (crossing.latest is None or truth <= crossing.latest)
    assert slopes >= 0.92 * 200
    assert crossings >= 0.92 * 200


def test_wild_values_do_not_bend_the_line() -> None:
    values = [10 + 0.5 * day for day in range(40)]
    values[5] = values[30] = 500.0
    assert grown(list(range(40)), values).slope == pytest.approx(0.5, abs=0.02)


def test_too_few_values_have_no_slope() -> None:
    assert fit_growth(times(DAYS[:5]), VALUES[:5]) is None
    assert fit_growth([START] * 10, list(range(10))) is None


def test_many_values_are_thinned() -> None:
    days = np.arange(MAX_VALUES_COUNT + 500, dtype=float)
    found = fit_growth(times(days), (0.1 * days).tolist())
    assert found is not None
    assert (found.n, found.slope) == (MAX_VALUES_COUNT, pytest.approx(0.1))


def test_impossible_input_is_refused() -> None:
    with pytest.raises(ValueError, match="a time for each value"):
        fit_growth([START], [])
    with pytest.raises(ValueError, match="finite"):
        fit_growth(times(list(range(7))), [1.0, 2, 3, float("nan"), 5, 6, 7])


def test_interval_is_that_of_scipy() -> None:
    random = np.random.default_rng(53)
    values = random.normal(size=25).cumsum()
    found, told = grown(list(range(25)), values.tolist()), theilslopes(values, np.arange(25.0), alpha=0.95)
    assert (found.slope, found.low, found.high) == pytest.approx((told[0], told[2], told[3]))
