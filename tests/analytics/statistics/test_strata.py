"""Rates from stratified samples: the estimator, and coverage of simulated truth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.statistics import Stratum, allocate, defect_rate_from_audit, escapes, stratified_rate

TRIALS = 1000


def test_value_is_the_stratified_estimate() -> None:
    """Deforestation in Olofsson et al. 2014 (see `adjusted_areas`), table 8 as four strata: 0.0235 of all pixels."""
    strata = [
        Stratum(200_000, 75, 66),
        Stratum(150_000, 75, 0),
        Stratum(3_200_000, 165, 1),
        Stratum(6_450_000, 325, 2),
    ]
    estimate = stratified_rate(strata)
    assert estimate is not None
    assert estimate.value * 10_000_000 == pytest.approx(235_086, abs=1)
    assert estimate.low < estimate.value - 0.003 < estimate.value + 0.006 < estimate.high


def draws(sizes: list[int], drawn: list[int], rates: list[float], seed: int) -> tuple[list[list[Stratum]], np.ndarray]:
    """Strata of 1,000 trials, each with its own population, and the true share of bad images in each."""
    random = np.random.default_rng(seed)
    bad = random.binomial(sizes, rates, size=(TRIALS, len(sizes)))
    seen = random.hypergeometric(bad, np.array(sizes) - bad, drawn)
    trials = [[Stratum(*row) for row in zip(sizes, drawn, found, strict=True)] for found in seen.tolist()]
    return trials, bad.sum(axis=1) / sum(sizes)


@pytest.mark.parametrize(
    ("sizes", "drawn", "rates"),
    [
        ([9000, 1000], [100, 50], [0.01, 0.3]),
        ([5000, 3000, 2000], [60, 60, 60], [0.002, 0.01, 0.05]),
        ([50_000, 20_000, 5000, 500], [50, 50, 50, 50], [0.0005, 0.004, 0.02, 0.2]),
        ([2000, 2000], [30, 30], [0.1, 0.5]),
        ([300, 200, 100], [150, 100, 90], [0.05, 0.1, 0.3]),
        ([10_000, 400], [300, 400], [0.004, 0.9]),
    ],
)
def test_interval_covers_the_truth(sizes: list[int], drawn: list[int], rates: list[float]) -> None:
    covered = 0
    trials, truth = draws(sizes, drawn, rates, seed=12)
    for strata, share in zip(trials, truth, strict=True):
        estimate = stratified_rate(strata)
        assert estimate is not None
        assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1
        covered += estimate.low - 1e-12 <= share <= estimate.high + 1e-12
    assert covered >= 0.93 * TRIALS


def test_everything_judged_is_known() -> None:
    estimate = stratified_rate([Stratum(10, 10, 3), Stratum(30, 30, 1)])
    assert estimate is not None
    assert (estimate.value, estimate.low, estimate.high) == pytest.approx((0.1, 0.1, 0.1))


def test_a_stratum_without_draws_widens_the_interval() -> None:
    known, open_ = [Stratum(900, 90, 9)], [Stratum(900, 90, 9), Stratum(100, 0, 0)]
    narrow, wide = stratified_rate(known), stratified_rate(open_)
    assert narrow is not None
    assert wide is not None
    assert wide.value == narrow.value
    assert wide.low == pytest.approx(0.9 * narrow.low)
    assert wide.high == pytest.approx(0.9 * narrow.high + 0.1)


def test_no_audit_says_nothing() -> None:
    assert stratified_rate([]) is None
    assert escapes([Stratum(100, 0, 0)]) is None
    assert defect_rate_from_audit(Stratum(50, 50, 40), Stratum(950, 0, 0)) is None
    assert defect_rate_from_audit(Stratum(50, 0, 0), Stratum(950, 100, 1)) is None


def test_escapes_are_counts() -> None:
    estimate = escapes([Stratum(5000, 100, 1), Stratum(1000, 50, 0)])
    assert estimate is not None
    assert estimate.value == pytest.approx(50)
    assert 1 <= estimate.low < 50 < estimate.high < 6000


def test_audit_and_reviews_make_the_defect_rate() -> None:
    """40 of 50 failures confirmed, 2 of 100 audited passes bad: (40 + 950 · 0.02) ÷ 1,000."""
    estimate = defect_rate_from_audit(Stratum(50, 50, 40), [Stratum(950, 100, 2)])
    assert estimate is not None
    assert estimate.value == pytest.approx(0.059)
    assert estimate.low >= 0.042
    nothing_failed = defect_rate_from_audit(Stratum(0, 0, 0), Stratum(950, 100, 2))
    assert nothing_failed is not None
    assert nothing_failed.value == pytest.approx(0.02)


@pytest.mark.parametrize(("rate", "sensitivity", "specificity"), [(0.03, 0.85, 0.99), (0.10, 0.95, 0.97)])
def test_corrected_rate_covers_the_truth(rate: float, sensitivity: float, specificity: float) -> None:
    """8,000 images, every failure reviewed, 300 passed images audited."""
    random = np.random.default_rng(15)
    bad = random.binomial(8000, rate, size=TRIALS)
    found, rejected = random.binomial(bad, sensitivity), random.binomial(8000 - bad, 1 - specificity)
    passed = 8000 - found - rejected
    seen = random.hypergeometric(bad - found, passed - (bad - found), 300)
    covered = 0
    for hit, wrong, left, escaped, truth in zip(
        *(part.tolist() for part in (found, rejected, passed, seen, bad)), strict=True
    ):
        estimate = defect_rate_from_audit(Stratum(hit + wrong, hit + wrong, hit), Stratum(left, 300, escaped))
        assert estimate is not None
        covered += estimate.low - 1e-12 <= truth / 8000 <= estimate.high + 1e-12
    assert covered >= 0.93 * TRIALS


def test_impossible_strata_are_refused() -> None:
    with pytest.raises(ValueError, match="drawn=11, size=10"):
        Stratum(10, 11, 0)


def test_allocation_in_proportion_and_after_neyman() -> None:
    assert allocate([6000, 3000, 1000], 100) == (60, 30, 10)
    assert allocate([6000, 3000, 1000], 100, minimum=20) == (53, 27, 20)
    # Neyman by hand: 6000 · 0.3 : 3000 · 0.5 = 1800 : 1500.
    assert allocate([6000, 3000], 110, rates=[0.1, 0.5], minimum=0) == (60, 50)
    assert allocate([3, 1000], 50) == (3, 47)
    assert allocate([10, 20], 100) == (10, 20)
    assert allocate([], 10) == ()
    assert allocate([0, 50], 10) == (0, 10)


def test_impossible_allocations_are_refused() -> None:
    with pytest.raises(ValueError, match="total=-1"):
        allocate([10], -1)


@given(st.lists(st.integers(0, 10**6), max_size=30), st.integers(0, 2000), st.integers(0, 50))
def test_allocation_uses_all_and_never_more_than_there_is(sizes: list[int], total: int, minimum: int) -> None:
    counts = allocate(sizes, total, minimum=minimum)
    assert sum(counts) == min(total, sum(sizes))
    assert all(0 <= count <= size for count, size in zip(counts, sizes, strict=True))
    if total >= sum(min(minimum, size) for size in sizes):
        assert all(count >= min(minimum, size) for count, size in zip(counts, sizes, strict=True))
