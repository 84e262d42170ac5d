"""Which control chart the data can carry, and why; none where it cannot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import sqrt

import numpy as np

from analytics.statistics.charts import (
    Chart,
    ChartPoint,
    laney_p_chart,
    laney_u_chart,
    p_chart,
    u_chart,
    xmr_chart,
)

__all__ = [
    "Chart",
    "ChartPoint",
    "NoChart",
    "choose_count_chart",
    "choose_rate_chart",
    "choose_value_chart",
    "laney_p_chart",
    "laney_u_chart",
    "p_chart",
    "u_chart",
    "xmr_chart",
]

MIN_POINTS_COUNT = 12
"""Fewer points make no chart: their limits would be off by a fifth and more (standard error of the moving-range
estimate ≈ 0.91/√points, 26 % at 12)."""

FIRM_POINTS_COUNT = 20
"""With fewer points the limits are provisional; Montgomery (see `p_chart`) asks for 20 to 25."""

MIN_EXPECTED_COUNT = 3
"""Fewer failures (or passes) expected per sample make no chart: at 3 a sample holds one at least with 95 %, Montgomery
(see `p_chart`), section 7.2.1."""

LARGE_EXPECTED_COUNT = 25
"""From here on a sample is large: chance moves its rate by a fifth of itself at most (1/√25). Laney 2002 speaks of
large samples without a number; this one is ours. In small samples a wide scatter is more likely news than habit."""

WIDER_Z = 1.645
"""σz counts as above 1 when it is so by this many of its standard errors, 0.91/√points: one-sided 5 %."""

SIGMA_Z_ERROR = 0.91
"""Standard error of a moving-range estimate of a standard deviation × √points ÷ the deviation: the asymptotic √0.826,
H. L. Harter, "Statistical design and analysis", 1960; NIST/SEMATECH e-Handbook 6.3.2.2. Tested by simulation."""


@dataclass(frozen=True)
class NoChart:
    """No chart, and in one sentence why not."""

    why: str


def is_overdispersed(sigma_z: float, points_count: int) -> bool:
    """Whether σz is above 1 by more than chance: 1.28 at 30 points, 1.15 at 100."""
    return sigma_z > 1 + WIDER_Z * SIGMA_Z_ERROR / sqrt(points_count)


def choose_rate_chart(counts: Sequence[int], ns: Sequence[int], *, baseline: slice | None = None) -> Chart | NoChart:
    """The chart for failed images per sample, `counts` of `ns`: p, Laney's p′, or none.

    p′ when samples are large (`LARGE_EXPECTED_COUNT` at the median sample) and scatter wider than chance
    (`is_overdispersed`); moving ranges tell that, so one step in the rate does not. Laney 2002 (see `laney_p_chart`)
    widens at any σz; the test is ours, so that chance does not widen limits. None below `MIN_POINTS_COUNT` points or
    `MIN_EXPECTED_COUNT` expected failures. Samples are in time order; leave empty ones out (ValueError).
    """
    used = baseline or slice(None)
    total, images = sum(counts[used]), sum(ns[used])
    if refused := _too_few_points(len(ns[used])):
        return refused
    if total in (0, images):
        return NoChart(f"{'No' if total == 0 else 'Every'} image failed, so there is no variation to chart.")
    expected = float(np.median(ns[used])) * min(total, images - total) / images
    if expected < MIN_EXPECTED_COUNT:
        rare = "failures" if total * 2 <= images else "passes"
        return NoChart(
            f"Only about {expected:.1f} {rare} are expected per point and {MIN_EXPECTED_COUNT} are needed: "
            "choose longer steps or more sources."
        )
    widened = laney_p_chart(counts, ns, baseline=baseline)
    is_wide = is_overdispersed(widened.sigma_z or 1.0, len(ns[used]))
    chart = widened if expected >= LARGE_EXPECTED_COUNT and is_wide else p_chart(counts, ns, baseline=baseline)
    return _told(chart, len(ns[used]))


def choose_count_chart(counts: Sequence[int], ns: Sequence[int], *, baseline: slice | None = None) -> Chart | NoChart:
    """The chart for regions per image, `counts` in `ns` images: u, u with widened limits (`sigma_z` set), or none.

    The same tests as `choose_rate_chart`.
    """
    used = baseline or slice(None)
    total, images = sum(counts[used]), sum(ns[used])
    if refused := _too_few_points(len(ns[used])):
        return refused
    if total == 0:
        return NoChart("No region was found, so there is no variation to chart.")
    expected = float(np.median(ns[used])) * total / images
    if expected < MIN_EXPECTED_COUNT:
        return NoChart(
            f"Only about {expected:.1f} regions are expected per point and {MIN_EXPECTED_COUNT} are needed: "
            "choose longer steps or more sources."
        )
    widened = laney_u_chart(counts, ns, baseline=baseline)
    is_wide = is_overdispersed(widened.sigma_z or 1.0, len(ns[used]))
    chart = widened if expected >= LARGE_EXPECTED_COUNT and is_wide else u_chart(counts, ns, baseline=baseline)
    return _told(chart, len(ns[used]))


def choose_value_chart(
    values: Sequence[float], *, baseline: slice | None = None, lowest: float | None = None
) -> Chart | NoChart:
    """The chart for single values in time order, such as the area per day: XmR, or none."""
    used = values[baseline or slice(None)]
    if refused := _too_few_points(len(used)):
        return refused
    if min(used) == max(used):
        return NoChart("All values are the same, so there is no variation to chart.")
    return _told(xmr_chart(values, baseline=baseline, lowest=lowest), len(used))


def _too_few_points(count: int) -> NoChart | None:
    if count >= MIN_POINTS_COUNT:
        return None
    points = "point is" if count == 1 else "points are"
    return NoChart(f"{count} {points} too few for limits: a control chart needs {MIN_POINTS_COUNT}.")


def _told(chart: Chart, points_count: int) -> Chart:
    if points_count >= FIRM_POINTS_COUNT:
        return chart
    return replace(chart, why=f"{chart.why} {points_count} points make provisional limits; 20 make firm ones.")
