"""Slow drift of inputs, confidence and label mix, with a stated rate of false alarms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import sqrt

import numpy as np
import scipy
from numpy.typing import NDArray

from analytics.statistics.charts import D2

LAMBDA = 0.1
WIDTH = 2.814
"""With λ = 0.1 one false alarm in 500 points: J. M. Lucas, M. S. Saccucci, "Exponentially weighted moving average
control schemes: properties and enhancements", Technometrics 32 (1990) 1–29, table 3."""

K = 0.5
H = 5.0
"""With k = 0.5 one false alarm in 465 points: Montgomery (see `p_chart`), table 9.3."""

MIN_BASELINE_COUNT = 15
"""Fewer days are no baseline: their mean and spread would be too uncertain for a stated false-alarm rate."""

_CELLS = 201


@dataclass(frozen=True)
class Ewma:
    """Exponentially weighted moving average of standardised values, in standard deviations of one value.

    `run_length`: points between two false alarms on average. `first_alarm`: index of the first point beyond ±`limit`.
    """

    points: tuple[float, ...]
    limit: float
    first_alarm: int | None
    run_length: float


@dataclass(frozen=True)
class Cusum:
    """Sums of what exceeds the target by more than k, upwards and downwards, in standard deviations of one value.

    `first_alarm`: index of the first point where a sum is above `limit`; `changed_from`: index of the first point of
    that sum's climb, the likeliest time of the change.
    """

    high: tuple[float, ...]
    low: tuple[float, ...]
    limit: float
    first_alarm: int | None
    changed_from: int | None
    run_length: float


def standardise(
    means: Sequence[float],
    sds: Sequence[float] | None = None,
    ns: Sequence[int] | None = None,
    *,
    baseline: slice | None = None,
) -> tuple[float, ...] | None:
    """Daily means as distances from the baseline's mean, in standard deviations of a day; None when it cannot be said.

    With `sds` and `ns` (each day's spread and count) a day of few images may stray further: its own standard error
    sd/√n, times σz where days differ by more than that (Laney 2002, see `laney_p_chart`), never less than 1. Without
    them the mean moving range of the baseline tells the spread. None with fewer than `MIN_BASELINE_COUNT` days in the
    baseline, or where they do not vary. ValueError where lengths differ or a count is below 1.
    """
    mean = np.asarray(means, dtype=float)
    used = baseline or slice(None)
    if mean[used].size < MIN_BASELINE_COUNT:
        return None
    if sds is None or ns is None:
        sigma = np.full(mean.size, float(np.abs(np.diff(mean[used])).mean()) / D2)
        centre = float(mean[used].mean())
    else:
        sd, n = np.asarray(sds, dtype=float), np.asarray(ns, dtype=float)
        if not sd.shape == n.shape == mean.shape or (n < 1).any():
            raise ValueError("expected a spread and a count of 1 or more for each mean")
        centre, sigma = _within(mean, sd, n, used)
    if not (sigma > 0).all():
        return None
    return tuple(float(z) for z in (mean - centre) / sigma)


def _within(
    mean: NDArray[np.float64], sd: NDArray[np.float64], n: NDArray[np.float64], used: slice
) -> tuple[float, NDArray[np.float64]]:
    pooled = sqrt(float((n[used] * sd[used] ** 2).sum() / n[used].sum()))
    error = pooled / np.sqrt(n)
    centre = float((n[used] * mean[used]).sum() / n[used].sum())
    if pooled <= 0:
        return centre, error
    z = ((mean - centre) / error)[used]
    sigma_z = float(np.abs(np.diff(z)).mean()) / D2
    if sigma_z > 1:
        # Days differ by more than chance: each counts alike, however many images it had.
        centre = float(mean[used].mean())
    return centre, error * max(1.0, sigma_z)


def ewma(values: Sequence[float], lam: float = LAMBDA, width: float = WIDTH) -> Ewma:
    """Moving average z_t = λ x_t + (1 − λ) z_(t−1), from 0, of standardised values; limits ±`width` √(λ/(2 − λ)).

    S. W. Roberts, "Control chart tests based on geometric moving averages", Technometrics 1 (1959) 239–250;
    NIST/SEMATECH e-Handbook 6.3.2.4. 0 < `lam` ≤ 1 and `width` > 0, else ValueError.
    """
    if not 0 < lam <= 1 or width <= 0:
        raise ValueError(f"expected 0 < lam <= 1 and width > 0, got {lam} and {width}")
    points, last = [], 0.0
    for value in values:
        last = lam * value + (1 - lam) * last
        points.append(last)
    limit = width * sqrt(lam / (2 - lam))
    alarm = next((i for i, point in enumerate(points) if abs(point) > limit), None)
    return Ewma(tuple(points), limit, alarm, ewma_run_length(lam, width))


def cusum(values: Sequence[float], k: float = K, h: float = H) -> Cusum:
    """Two one-sided sums max(0, S + |x| − k) of standardised values; alarm above `h`.

    E. S. Page, "Continuous inspection schemes", Biometrika 41 (1954) 100–115; NIST/SEMATECH e-Handbook 6.3.2.3. k is
    half the shift to be found. k ≥ 0 and h > 0, else ValueError.
    """
    if k < 0 or h <= 0:
        raise ValueError(f"expected k >= 0 and h > 0, got {k} and {h}")
    sums: dict[int, list[float]] = {1: [], -1: []}
    for side, kept in sums.items():
        last = 0.0
        for value in values:
            last = max(0.0, last + side * value - k)
            kept.append(last)
    alarms = [(i, side) for side, kept in sums.items() for i, total in enumerate(kept) if total > h]
    alarm, side = min(alarms, default=(None, 0))
    changed = None
    if alarm is not None:
        zeros = [i for i in range(alarm) if sums[side][i] == 0]
        changed = zeros[-1] + 1 if zeros else 0
    return Cusum(tuple(sums[1]), tuple(sums[-1]), h, alarm, changed, cusum_run_length(k, h))


@cache
def ewma_run_length(lam: float = LAMBDA, width: float = WIDTH) -> float:
    """Points between two false alarms of `ewma` on average, on normal values of a steady process.

    By a Markov chain of 201 states, Lucas and Saccucci 1990 (see `WIDTH`).
    """
    limit = width * sqrt(lam / (2 - lam))
    edges = np.linspace(-limit, limit, _CELLS + 1)
    middle = (edges[1:] + edges[:-1]) / 2
    reach = scipy.stats.norm.cdf((edges[None, :] - (1 - lam) * middle[:, None]) / lam)
    return float(_steps(np.diff(reach, axis=1))[_CELLS // 2])


@cache
def cusum_run_length(k: float = K, h: float = H) -> float:
    """Points between two false alarms of `cusum` (both sides) on average, on normal values of a steady process.

    By a Markov chain of 201 states: D. Brook, D. A. Evans, "An approach to the probability distribution of cusum run
    length", Biometrika 59 (1972) 539–549. Two equal sides alarm twice as often as one.
    """
    cell = 2 * h / (2 * _CELLS - 1)
    middle = np.arange(_CELLS) * cell
    edges = np.concatenate([[-np.inf], middle + cell / 2])
    reach = scipy.stats.norm.cdf(edges[None, :] - middle[:, None] + k)
    return float(_steps(np.diff(reach, axis=1))[0]) / 2


def false_alarm_rate(run_length: float, points_count: int) -> float:
    """Chance, 0–1, of one false alarm or more in `points_count` points: 1 − (1 − 1/run_length)^points."""
    if run_length < 1 or points_count < 0:
        raise ValueError(f"expected a run length of 1 or more and 0 points or more, got {run_length}, {points_count}")
    return 1 - (1 - 1 / run_length) ** points_count


def _steps(chain: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean steps until a chain that may leave its states has left them, from each state."""
    return np.asarray(np.linalg.solve(np.eye(len(chain)) - chain, np.ones(len(chain))), dtype=np.float64)
