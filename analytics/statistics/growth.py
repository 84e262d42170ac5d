"""Growth of an area over time: how fast, how sure, and when it crosses a limit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import sqrt

import numpy as np
import scipy
from numpy.typing import NDArray

from analytics.statistics.intervals import LEVEL

MIN_VALUES_COUNT = 6
"""Fewer values give no slope: Sen's interval then holds all pairs of points."""

MAX_VALUES_COUNT = 1500
"""More values are thinned evenly, since every pair is compared (a million pairs at 1,500)."""

FARTHEST_DAYS = 36_525
"""A crossing more than a hundred years after the first value is not told."""

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Crossing:
    """When a growing value reaches a limit; `latest` is None when that end lies beyond `FARTHEST_DAYS`."""

    at: datetime
    earliest: datetime
    latest: datetime | None


@dataclass(frozen=True)
class Growth:
    """A straight line through values over time.

    `slope` with its 95 % interval `low`–`high` is in units of the values per day. `level` is the line's value at
    `middle_at` and `level_error` half the 95 % interval of it. `p_value` (0–1) is Mann–Kendall's: how likely chance
    alone orders the values so. `start_at` is the first time, `n` the count of values.
    """

    slope: float
    low: float
    high: float
    level: float
    level_error: float
    middle_at: datetime
    start_at: datetime
    p_value: float
    n: int

    @property
    def is_clear(self) -> bool:
        """Whether the slope's interval leaves 0 out."""
        return self.low > 0 or self.high < 0

    def at(self, when: datetime) -> float:
        """The line's value at a time."""
        return self.level + self.slope * ((when - self.middle_at) / DAY)

    def crossing(self, limit: float) -> Crossing | None:
        """When the line reaches `limit`; None when the slope may be 0 or the whole century does not reach it.

        The interval takes the slope's and the level's errors together (squared, as in G. Y. Zou, A. Donner,
        "Construction of confidence limits about effect measures", Statistics in Medicine 27 (2008) 1693–1702). It holds
        while growth stays as it is: no line knows of a repair or of a change of pace. A crossing may lie in the past.
        """
        if not self.is_clear:
            return None
        sign = 1 if self.slope > 0 else -1
        rise, slope = sign * (limit - self.level), abs(self.slope)
        faster = (self.high if sign > 0 else -self.low) - slope
        slower = slope - (self.low if sign > 0 else -self.high)
        at = self._when(rise / slope)
        early = _reach(rise, slope, self.level_error, faster if rise > 0 else slower, 1)
        late = _reach(rise, slope, self.level_error, slower if rise > 0 else faster, -1)
        earliest = self._when(early)
        if at is None or earliest is None:
            return None
        return Crossing(at=at, earliest=earliest, latest=self._when(late))

    def _when(self, days: float) -> datetime | None:
        return None if abs(days) > FARTHEST_DAYS else self.middle_at + days * DAY


def fit_growth(times: Sequence[datetime], values: Sequence[float], level: float = LEVEL) -> Growth | None:
    """The line of a value over time that a few wild values do not bend; None below `MIN_VALUES_COUNT` values.

    Slope: median of the slopes of all pairs, H. Theil 1950 and P. K. Sen, "Estimates of the regression coefficient
    based on Kendall's tau", Journal of the American Statistical Association 63 (1968) 1379–1389, with Sen's interval.
    p-value: H. B. Mann, "Nonparametric tests against trend", Econometrica 13 (1945) 245–259; M. G. Kendall 1948. Values
    that hang together over days (the same wet week) make both too sure. ValueError when the two differ in length or
    a value is not finite; None also when all times are the same.
    """
    if len(times) != len(values):
        raise ValueError(f"expected a time for each value, got {len(times)} times and {len(values)} values")
    order = sorted(range(len(times)), key=lambda i: times[i])
    if len(order) > MAX_VALUES_COUNT:
        order = [order[i] for i in np.linspace(0, len(order) - 1, MAX_VALUES_COUNT).astype(int)]
    if len(order) < MIN_VALUES_COUNT or times[order[0]] == times[order[-1]]:
        return None
    start = times[order[0]]
    days = np.array([(times[i] - start) / DAY for i in order])
    y = np.array([values[i] for i in order], dtype=float)
    if not np.isfinite(y).all():
        raise ValueError("expected finite values, got one that is not")
    slope, _, low, high = (float(part) for part in scipy.stats.theilslopes(y, days, alpha=level))
    middle = float(np.mean(days))
    residuals = y - slope * (days - middle)
    p_value = float(scipy.stats.kendalltau(days, y).pvalue) if np.ptp(y) > 0 else 1.0
    return Growth(
        slope=slope,
        low=low,
        high=high,
        level=float(np.median(residuals)),
        level_error=float(scipy.stats.t.ppf((1 + level) / 2, len(order) - 2)) * _median_error(residuals),
        middle_at=start + middle * DAY,
        start_at=start,
        p_value=p_value,
        n=len(order),
    )


def _median_error(values: NDArray[np.float64]) -> float:
    """Standard error of a median of about normal values: √(π/2) σ/√n, σ from the median absolute deviation."""
    sigma = 1.4826 * float(np.median(np.abs(values - np.median(values))))
    return sqrt(np.pi / 2) * sigma / sqrt(values.size)


def _reach(rise: float, slope: float, level_error: float, slope_error: float, side: int) -> float:
    """Days from the middle to where slope × days, `side` × its joint error off, has risen by `rise`; infinite if never.

    Solves slope·d + side·√(level_error² + slope_error²·d²) = rise.
    """
    a, b, c = slope**2 - slope_error**2, -2 * slope * rise, rise**2 - level_error**2
    if a <= 0:
        return float("inf")
    root = sqrt(max(b * b - 4 * a * c, 0.0))
    return (-b - side * root) / (2 * a)
