"""Two rates side by side: how far apart, how sure, in one sentence."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb, erfc, sqrt

import scipy

from analytics.statistics.intervals import Interval, difference

FEW_EXPECTED_COUNT = 5
"""Below this expected count in one of the four cells the normal approximation is not used; W. G. Cochran, "Some
methods for strengthening the common χ² tests", Biometrics 10 (1954) 417–451."""

SURE_P = 0.05
"""Below this p-value a difference is told as one."""


@dataclass(frozen=True)
class Comparison:
    """Rate of a less rate of b, −1 to 1, its 95 % interval, and how likely chance alone is (0–1)."""

    difference: float
    interval: Interval
    p_value: float
    sentence: str

    @property
    def is_clear(self) -> bool:
        """Whether chance alone would do this less than one time in twenty."""
        return self.p_value < SURE_P


def two_proportions(a_count: int, a_n: int, b_count: int, b_n: int) -> float:
    """Two-sided p-value, 0–1, that two independent samples have one rate; 1 where a sample is empty.

    The pooled z test (A. Agresti, "Categorical data analysis", 3rd ed., 2013, section 3.2); the exact test of R. A.
    Fisher, "The design of experiments", 1935, where fewer than `FEW_EXPECTED_COUNT` are expected in a cell.
    """
    for count, n in ((a_count, a_n), (b_count, b_n)):
        if not 0 <= count <= n:
            raise ValueError(f"expected 0 <= count <= n, got count={count}, n={n}")
    count, n = a_count + b_count, a_n + b_n
    if a_n == 0 or b_n == 0 or count in (0, n):
        return 1.0
    if min(a_n, b_n) * min(count, n - count) < FEW_EXPECTED_COUNT * n:
        return float(scipy.stats.fisher_exact([[a_count, a_n - a_count], [b_count, b_n - b_count]])[1])
    rate = count / n
    z = (a_count / a_n - b_count / b_n) / sqrt(rate * (1 - rate) * (1 / a_n + 1 / b_n))
    return erfc(abs(z) / sqrt(2))


def compare(
    a_count: int, a_n: int, b_count: int, b_n: int, *, a_name: str = "this", b_name: str = "the other"
) -> Comparison:
    """`a_count` of `a_n` against `b_count` of `b_n`, two independent samples.

    The interval is Newcombe's (`difference`), the p-value that of `two_proportions`. The two come from different
    formulas, so at the very edge one may say yes where the other says no. Names go into the sentence as they are.
    """
    p_value = two_proportions(a_count, a_n, b_count, b_n)
    interval = difference(a_count, a_n, b_count, b_n)
    if a_n == 0 or b_n == 0:
        empty = a_name if a_n == 0 else b_name
        return Comparison(0.0, interval, p_value, _sentence_case(f"nothing was inspected for {empty}."))
    gap = a_count / a_n - b_count / b_n
    return Comparison(gap, interval, p_value, _sentence(gap, interval, p_value, a_name, b_name))


def mcnemar(only_first: int, only_second: int) -> float:
    """How likely a split at least this uneven is, 0–1, were both equally often right; 1 without any pair.

    Of paired answers to the same questions only those count where one is right and the other wrong: `only_first`
    and `only_second` of them. The exact two-sided binomial form of Q. McNemar, "Note on the sampling error of the
    difference between correlated proportions or percentages", Psychometrika 12 (1947) 153–157.
    """
    if min(only_first, only_second) < 0:
        raise ValueError(f"expected counts of 0 and more, got {only_first} and {only_second}")
    n, fewer = only_first + only_second, min(only_first, only_second)
    return min(1.0, 2 * sum(comb(n, k) for k in range(fewer + 1)) / 2**n)


def told_p(p_value: float) -> str:
    """A p-value as people read it: "p = 0.03", "p < 0.001"."""
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.2g}"


def _sentence(gap: float, interval: Interval, p_value: float, a_name: str, b_name: str) -> str:
    ends = f"{_points(interval.low)} to {_points(interval.high)} points"
    if p_value >= SURE_P:
        text = f"no clear difference between {a_name} and {b_name}: {_points(gap)} points, it may be {ends}"
    else:
        word = "more" if gap > 0 else "fewer"
        text = f"{a_name} fails {abs(gap) * 100:.1f} points {word} than {b_name}: {ends}"
    return _sentence_case(f"{text} ({told_p(p_value)}).")


def _points(share: float) -> str:
    text = f"{abs(share) * 100:.1f}"
    return text if float(text) == 0 else f"{'+' if share > 0 else '−'}{text}"


def _sentence_case(text: str) -> str:
    return text[:1].upper() + text[1:]
