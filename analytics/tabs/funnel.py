"""Funnel limits: how far a rate may be from the mean by chance alone, for each number of images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
import scipy

WINSORISED = 0.1
"""A tenth of the sources at each end is pulled in before the scatter is judged: a bad one must not hide itself."""


@dataclass(frozen=True)
class Limits:
    """Rates 0–1 between which a source of `n` images stays by chance with the asked probability."""

    n: int
    low: float
    high: float


def funnel_limits(n: int, rate: float, level: float, overdispersion: float = 1.0) -> Limits:
    """Limits for `n` images (1 or more) around the mean `rate` (0–1); `level` 0–1, such as 0.998.

    D. J. Spiegelhalter, "Funnel plots for comparing institutional performance", Statistics in Medicine 24 (2005)
    1185–1202: without overdispersion the binomial's quantiles, interpolated (appendix A.1.1); else the normal limits
    widened by √φ (section 4.2, A.3). ValueError for a rate or `n` that cannot be.
    """
    if n < 1 or not 0 <= rate <= 1:
        raise ValueError(f"expected 1 image or more and a rate 0–1, got {n} and {rate}")
    if rate in (0, 1):
        return Limits(n, rate, rate)
    tail = (1 - level) / 2
    if overdispersion > 1:
        spread = float(scipy.stats.norm.ppf(1 - tail)) * sqrt(overdispersion * rate * (1 - rate) / n)
        return Limits(n, max(0.0, rate - spread), min(1.0, rate + spread))
    return Limits(n, _interpolated(tail, n, rate), _interpolated(1 - tail, n, rate))


def overdispersion(counts: Sequence[int], ns: Sequence[int]) -> float:
    """How many times wider than chance the sources scatter (φ ≥ 1): the mean squared distance, winsorised.

    Spiegelhalter 2005 (see `funnel_limits`), A.3: 1 unless φ is above 1 + 2 √(2 / sources); with fewer than 8 sources
    it cannot be told and is 1.
    """
    n = np.asarray(ns, dtype=float)
    if n.size < 8:
        return 1.0
    count = np.asarray(counts, dtype=float)
    rate = count.sum() / n.sum()
    if rate in (0, 1):
        return 1.0
    z = (count / n - rate) / np.sqrt(rate * (1 - rate) / n)
    low, high = np.quantile(z, [WINSORISED, 1 - WINSORISED])
    phi = float((np.clip(z, low, high) ** 2).mean())
    return phi if phi > 1 + 2 * sqrt(2 / n.size) else 1.0


def _interpolated(p: float, n: int, rate: float) -> float:
    r = int(scipy.stats.binom.ppf(p, n, rate))
    below, upto = float(scipy.stats.binom.cdf(r - 1, n, rate)), float(scipy.stats.binom.cdf(r, n, rate))
    alpha = (upto - p) / (upto - below) if upto > below else 0.0
    return min(1.0, max(0.0, (r - alpha) / n))
