"""Two rates side by side."""

from __future__ import annotations

import pytest

from analytics.statistics import compare, mcnemar, two_proportions


def test_pooled_z_gives_the_published_value() -> None:
    """Heart attacks in the Physicians' Health Study, 189 of 11,034 on placebo and 104 of 11,037 on aspirin: difference
    0.0077, χ² = 25.01 (z = 5.00); A. Agresti, "Categorical data analysis", table 2.3.
    """
    comparison = compare(189, 11034, 104, 11037)
    assert comparison.difference == pytest.approx(0.0077, abs=5e-5)
    assert comparison.p_value == pytest.approx(5.7e-7, rel=0.02)
    assert comparison.interval.low == pytest.approx(0.005, abs=5e-4)
    assert comparison.interval.high == pytest.approx(0.011, abs=5e-4)


def test_few_are_compared_exactly() -> None:
    """The lady tasting tea, 3 of 4 against 1 of 4: two-sided p = 0.486; Fisher 1935, Agresti section 3.5."""
    assert two_proportions(3, 4, 1, 4) == pytest.approx(0.486, abs=5e-4)


def test_sentences() -> None:
    clear = compare(189, 11034, 104, 11037, a_name="line 2", b_name="line 1")
    assert clear.is_clear
    assert clear.sentence == "Line 2 fails 0.8 points more than line 1: +0.5 to +1.1 points (p < 0.001)."
    fewer = compare(10, 400, 40, 400, a_name="May", b_name="April")
    assert fewer.sentence.startswith("May fails 7.5 points fewer than April: −")
    unclear = compare(10, 100, 9, 100)
    assert not unclear.is_clear
    assert unclear.sentence == (
        "No clear difference between this and the other: +1.0 points, it may be −7.5 to +9.5 points (p = 0.81)."
    )


def test_empty_and_all_alike() -> None:
    nothing = compare(0, 0, 3, 10, a_name="May")
    assert (nothing.p_value, nothing.sentence) == (1.0, "Nothing was inspected for May.")
    assert (nothing.interval.low, nothing.interval.high) == (-1, 1)
    assert two_proportions(0, 50, 0, 60) == 1.0
    assert two_proportions(50, 50, 60, 60) == 1.0


def test_impossible_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="count=3, n=2"):
        compare(1, 2, 3, 2)


def test_mcnemar_gives_the_published_p_value() -> None:
    """Airway hyper-responsiveness before and after stem cell transplantation, 1 against 7 patients: p = 0.070 for the
    exact conditional test in M. W. Fagerland, S. Lydersen, P. Laake, "The McNemar test for binary matched-pairs
    data", BMC Medical Research Methodology 13 (2013) 91.
    """
    assert mcnemar(1, 7) == pytest.approx(0.0703, abs=5e-5)


@pytest.mark.parametrize(
    ("only_first", "only_second", "p"),
    [(0, 0, 1.0), (1, 0, 1.0), (5, 0, 0.0625), (6, 0, 0.03125), (10, 2, 0.038574), (3, 3, 1.0)],
)
def test_mcnemar_is_the_two_sided_binomial(only_first: int, only_second: int, p: float) -> None:
    assert mcnemar(only_first, only_second) == pytest.approx(p, abs=1e-6)
    assert mcnemar(only_second, only_first) == mcnemar(only_first, only_second)


def test_mcnemar_refuses_negative_counts() -> None:
    with pytest.raises(ValueError, match="0 and more"):
        mcnemar(-1, 2)
