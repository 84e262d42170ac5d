"""Control charts of rates, of regions per image and of areas, with limits for each sample size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["p", "p-prime", "u", "xmr"]

SIGMAS = 3
D2 = 1.128
"""Mean range of two values of a normal distribution with standard deviation 1: 2/√π."""


@dataclass(frozen=True)
class ChartPoint:
    """One sample: its value, its own two limits, its size, and the standard deviation the limits stand on."""

    value: float
    low: float
    high: float
    n: int
    is_outside: bool
    sigma: float


@dataclass(frozen=True)
class Chart:
    """A control chart. Rates 0–1 for p and p-prime, regions per image for u, the values' own unit for xmr.

    `sigma_z` is how many times wider the samples scatter than chance within a sample explains; None where the chart
    does not ask. `why` tells in one sentence why this chart was drawn.
    """

    kind: Kind
    centre: float
    points: tuple[ChartPoint, ...]
    sigma_z: float | None
    why: str


def p_chart(counts: Sequence[int], ns: Sequence[int], *, baseline: slice | None = None) -> Chart:
    """Share of failed images per sample, `counts` of `ns`; limits 3 √(p̄(1−p̄)/n) from the mean, cut to 0–1.

    D. C. Montgomery, "Introduction to statistical quality control", 6th ed., 2009, section 7.2; W. A. Shewhart 1931.
    The mean is that of the samples in `baseline` (all when None). ValueError for empty samples: leave them out.
    """
    count, n = _checked(counts, ns)
    centre = _centre(count, n, baseline)
    why = "The failures of each sample scatter as chance alone would have them."
    return _chart("p", count / n, n, centre, np.sqrt(centre * (1 - centre) / n), None, why, highest=1.0)


def laney_p_chart(counts: Sequence[int], ns: Sequence[int], *, baseline: slice | None = None) -> Chart:
    """Share of failed images where the rate itself differs from sample to sample: limits σz times those of `p_chart`.

    D. B. Laney, "Improved control charts for attributes", Quality Engineering 14 (2002) 531–537: σz is the mean moving
    range of the standardised rates ÷ 1.128. Two samples at least; ValueError otherwise.
    """
    count, n = _checked(counts, ns)
    centre = _centre(count, n, baseline)
    within = np.sqrt(centre * (1 - centre) / n)
    sigma_z = _sigma_z(count / n, centre, within, baseline)
    why = f"The samples scatter {sigma_z:.1f} times as widely as chance alone: the limits are widened to match."
    return _chart("p-prime", count / n, n, centre, within * sigma_z, sigma_z, why, highest=1.0)


def u_chart(counts: Sequence[int], ns: Sequence[int], *, baseline: slice | None = None) -> Chart:
    """Regions per image, `counts` in `ns` images; limits 3 √(ū/n) from the mean, not below 0.

    Montgomery (see `p_chart`), section 7.3. ValueError for empty samples and negative counts.
    """
    count, n = _checked(counts, ns, is_share=False)
    centre = _centre(count, n, baseline)
    why = "The regions of each sample scatter as chance alone would have them."
    return _chart("u", count / n, n, centre, np.sqrt(centre / n), None, why)


def laney_u_chart(counts: Sequence[int], ns: Sequence[int], *, baseline: slice | None = None) -> Chart:
    """Laney's u′ (see `laney_p_chart`): a chart of kind u whose limits are σz times those of `u_chart`."""
    count, n = _checked(counts, ns, is_share=False)
    centre = _centre(count, n, baseline)
    within = np.sqrt(centre / n)
    sigma_z = _sigma_z(count / n, centre, within, baseline)
    why = f"Regions come in clusters, {sigma_z:.1f} times as uneven as chance: the limits are widened to match."
    return _chart("u", count / n, n, centre, within * sigma_z, sigma_z, why)


def xmr_chart(values: Sequence[float], *, baseline: slice | None = None, lowest: float | None = None) -> Chart:
    """Single values, such as an area per day; limits 2.66 mean moving ranges from the mean.

    NIST/SEMATECH e-Handbook of statistical methods, section 6.3.2.2; D. J. Wheeler, "Understanding variation", 1993.
    `lowest` cuts the lower limit where smaller values cannot be (0 for areas). Two values at least; ValueError
    otherwise. Values that follow one another closely (hours of a day) are alike and make the limits too tight.
    """
    value = np.asarray(values, dtype=float)
    used = value[baseline or slice(None)]
    if used.size < 2 or not np.isfinite(value).all():
        raise ValueError(f"expected two finite values or more, got {used.size}")
    sigma = float(np.abs(np.diff(used)).mean()) / D2
    why = "Single values are compared with how far they move from one to the next."
    ones = np.ones(value.size, dtype=int)
    return _chart("xmr", value, ones, float(used.mean()), np.full(value.size, sigma), None, why, lowest=lowest)


def _checked(
    counts: Sequence[int], ns: Sequence[int], *, is_share: bool = True
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    count, n = np.asarray(counts, dtype=np.int64), np.asarray(ns, dtype=np.int64)
    if count.shape != n.shape or count.ndim != 1 or not count.size:
        raise ValueError(f"expected one count for each sample, got {count.size} counts and {n.size} samples")
    if (n < 1).any() or (count < 0).any() or (is_share and (count > n).any()):
        raise ValueError("expected 1 image or more in each sample and counts from 0 on; leave empty samples out")
    return count, n


def _centre(count: NDArray[np.int64], n: NDArray[np.int64], baseline: slice | None) -> float:
    used = baseline or slice(None)
    total = int(n[used].sum())
    if not total:
        raise ValueError("expected a baseline with samples, got none in it")
    return int(count[used].sum()) / total


def _sigma_z(value: NDArray[np.float64], centre: float, within: NDArray[np.float64], baseline: slice | None) -> float:
    used = baseline or slice(None)
    if value[used].size < 2:
        raise ValueError(f"expected two samples or more, got {value[used].size}")
    if not within.all():
        return 1.0
    return float(np.abs(np.diff(((value - centre) / within)[used])).mean()) / D2


def _chart(
    kind: Kind,
    value: NDArray[np.float64],
    n: NDArray[np.int64],
    centre: float,
    sigma: NDArray[np.float64],
    sigma_z: float | None,
    why: str,
    *,
    lowest: float | None = 0.0,
    highest: float | None = None,
) -> Chart:
    low, high = centre - SIGMAS * sigma, centre + SIGMAS * sigma
    # A share may not leave its limits by the rounding of a sum.
    room = 1e-12 * max(1.0, abs(centre))
    is_outside = (value < low - room) | (value > high + room)
    if lowest is not None:
        low = np.maximum(low, lowest)
    if highest is not None:
        high = np.minimum(high, highest)
    rows = zip(value, low, high, n, is_outside, sigma, strict=True)
    points = tuple(ChartPoint(float(v), float(lo), float(hi), int(m), bool(o), float(s)) for v, lo, hi, m, o, s in rows)
    return Chart(kind, centre, points, sigma_z, why)
