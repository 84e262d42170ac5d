"""Intervals of rates. Pure functions, each with its source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import sqrt
from statistics import NormalDist

import scipy

LEVEL = 0.95

MIN_IMAGES_COUNT = 30
"""Below this many images a rate is "too few to say": its 95 % interval is wider than 10 points even at no
defect at all (Wilson: 0 of 29 reaches up to 11.7 %)."""


@dataclass(frozen=True)
class Interval:
    """Both ends belong to it. Shares 0–1; differences of shares −1 to 1."""

    low: float
    high: float


@dataclass(frozen=True)
class Estimate:
    """A value that was worked out, with its 95 % interval; both ends belong to it."""

    value: float
    low: float
    high: float


def wilson(count: int, n: int, level: float = LEVEL) -> Interval:
    """Score interval of a rate of `count` in `n`; all of 0–1 when n is 0.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", Journal of the
    American Statistical Association 22 (1927) 209–212. It stays within 0–1 and holds its level for rare
    defects and small n, where the textbook interval (Wald) does not.
    """
    if not 0 <= count <= n:
        raise ValueError(f"expected 0 <= count <= n, got count={count}, n={n}")
    if n == 0:
        return Interval(0.0, 1.0)
    z = z_of(level)
    rate = count / n
    centre = rate + z * z / (2 * n)
    spread = z * sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    return Interval(
        low=0.0 if count == 0 else (centre - spread) / scale,
        high=1.0 if count == n else (centre + spread) / scale,
    )


def exact(count: int, n: int, level: float = LEVEL) -> Interval:
    """Interval of a rate of `count` in `n` that never covers less often than it says; all of 0–1 when n is 0.

    C. J. Clopper, E. S. Pearson, "The use of confidence or fiducial limits illustrated in the case of the binomial",
    Biometrika 26 (1934) 404–413. Wider than `wilson`; used where a handful of images decides.
    """
    if not 0 <= count <= n:
        raise ValueError(f"expected 0 <= count <= n, got count={count}, n={n}")
    tail = (1 - level) / 2
    return Interval(
        low=0.0 if count == 0 else float(scipy.stats.beta.ppf(tail, count, n - count + 1)),
        high=1.0 if count == n else float(scipy.stats.beta.ppf(1 - tail, count + 1, n - count)),
    )


def difference(count: int, n: int, count_before: int, n_before: int, level: float = LEVEL) -> Interval:
    """Interval of `count / n - count_before / n_before` for two independent samples.

    The hybrid score interval, method 10 of R. G. Newcombe, "Interval estimation for the difference between
    independent proportions: comparison of eleven methods", Statistics in Medicine 17 (1998) 873–890.
    """
    if n == 0 or n_before == 0:
        return Interval(-1.0, 1.0)
    now, before = wilson(count, n, level), wilson(count_before, n_before, level)
    rate, rate_before = count / n, count_before / n_before
    middle = rate - rate_before
    return Interval(
        low=middle - sqrt((rate - now.low) ** 2 + (before.high - rate_before) ** 2),
        high=middle + sqrt((now.high - rate) ** 2 + (rate_before - before.low) ** 2),
    )


def cumulative_fractions(amounts: Sequence[float]) -> list[float]:
    """Running share of the sum, 0–1, for a Pareto chart; zeros where there is nothing to share."""
    total = sum(amounts)
    return [running / total if total else 0.0 for running in accumulate(amounts)]


def z_of(level: float) -> float:
    """How many standard deviations hold the middle `level` (0–1) of a normal distribution: 1.96 for 0.95."""
    return NormalDist().inv_cdf((1 + level) / 2)
