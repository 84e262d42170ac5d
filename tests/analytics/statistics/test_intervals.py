"""Intervals against the worked examples of the papers they come from."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.statistics import MIN_IMAGES_COUNT, cumulative_fractions, difference, exact, wilson


@pytest.mark.parametrize(
    ("count", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_gives_the_published_intervals(count: int, n: int, low: float, high: float) -> None:
    """Method 3 (score without continuity correction) in table I of R. G. Newcombe, "Two-sided confidence
    intervals for the single proportion: comparison of seven methods", Stat. Med. 17 (1998) 857–872.
    """
    interval = wilson(count, n)
    assert (round(interval.low, 4), round(interval.high, 4)) == (low, high)


@pytest.mark.parametrize(
    ("count", "n", "low", "high"),
    [(81, 263, 0.2527, 0.3676), (15, 148, 0.0578, 0.1617), (0, 20, 0.0, 0.1684), (1, 29, 0.0009, 0.1776)],
)
def test_exact_gives_the_published_intervals(count: int, n: int, low: float, high: float) -> None:
    """Method 5 (Clopper–Pearson) in table I of Newcombe 1998 (see above)."""
    interval = exact(count, n)
    assert (round(interval.low, 4), round(interval.high, 4)) == (low, high)


@pytest.mark.parametrize(
    ("now", "before", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((0, 10), (0, 10), -0.2775, 0.2775),
        ((10, 10), (0, 20), 0.6791, 1.0),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_difference_gives_the_published_intervals(
    now: tuple[int, int], before: tuple[int, int], low: float, high: float
) -> None:
    """Method 10 in table II of R. G. Newcombe, "Interval estimation for the difference between independent
    proportions: comparison of eleven methods", Statistics in Medicine 17 (1998) 873–890.
    """
    interval = difference(*now, *before)
    assert (round(interval.low, 4), round(interval.high, 4)) == (low, high)


def test_nothing_inspected_says_nothing() -> None:
    assert (wilson(0, 0).low, wilson(0, 0).high) == (0, 1)
    assert (exact(0, 0).low, exact(0, 0).high) == (0, 1)
    assert (difference(1, 2, 0, 0).low, difference(1, 2, 0, 0).high) == (-1, 1)


def test_impossible_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="count=3, n=2"):
        wilson(3, 2)
    with pytest.raises(ValueError, match="count=-1"):
        wilson(-1, 2)
    with pytest.raises(ValueError, match="count=3, n=2"):
        exact(3, 2)


@given(st.integers(1, 10**7).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_holds_the_rate_and_stays_within_0_and_1(sample: tuple[int, int]) -> None:
    count, n = sample
    interval = wilson(count, n)
    assert 0 <= interval.low <= count / n + 1e-12
    assert count / n - 1e-12 <= interval.high <= 1


@given(st.integers(0, 50), st.integers(50, 60), st.integers(0, 50), st.integers(50, 60))
def test_the_other_way_round_the_difference_changes_its_sign(k: int, n: int, k_before: int, n_before: int) -> None:
    there, back = difference(k, n, k_before, n_before), difference(k_before, n_before, k, n)
    assert there.low == pytest.approx(-back.high)
    assert there.high == pytest.approx(-back.low)


def test_too_few_is_where_a_spotless_sample_may_hide_a_tenth() -> None:
    assert wilson(0, MIN_IMAGES_COUNT - 1).high > 0.115
    assert wilson(0, MIN_IMAGES_COUNT).high < 0.115


def test_cumulative_fractions() -> None:
    assert cumulative_fractions([5, 3, 2]) == [0.5, 0.8, 1.0]
    assert cumulative_fractions([0, 0]) == [0.0, 0.0]
    assert cumulative_fractions([]) == []
