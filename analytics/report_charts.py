"""The charts of printed reports, as PNG: the dashboard's numbers drawn by matplotlib, without a display."""

from __future__ import annotations

import io
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from analytics.dashboard import Dashboard, Rate, local
from analytics.queries import SourceRow, TrendRow
from analytics.statistics import cumulative_fractions

RATE, QUIET, TEXT, MUTED, GRID = "#d55e00", "#c9d2da", "#131a21", "#52606d", "#e3e8ed"
_DPI = 200
_MOST_BARS, _MOST_SOURCES = 8, 12
_NAME_LENGTH = 26


def trend_chart(dashboard: Dashboard, *, width_mm: float, height_mm: float) -> bytes:
    """The rate with its 95 % interval over time, the mean as a dotted line, and below it the images inspected."""
    figure = Figure(figsize=(width_mm / 25.4, height_mm / 25.4), dpi=_DPI, layout="constrained")
    rates, counts = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": [3, 1]})
    rows = dashboard.trend
    found = [_rate(row) for row in rows]
    xs = [local(row.start, dashboard.scope).replace(tzinfo=None) for row in rows]
    middles = [rate.fraction or 0.0 for rate in found]
    lows, highs = [rate.interval.low for rate in found], [rate.interval.high for rate in found]
    color = dashboard.label.color if dashboard.label else RATE
    rates.fill_between(xs, lows, highs, color=color, alpha=0.16, linewidth=0)
    rates.plot(xs, middles, color=color, linewidth=1.4, marker="o", markersize=3 if len(xs) < 60 else 0)
    hollow = [(x, y) for x, y, rate in zip(xs, middles, found, strict=True) if rate.is_too_few]
    if hollow:
        rates.plot(*zip(*hollow, strict=True), "o", markersize=3.6, color="white", markeredgecolor=color)
    if dashboard.rate.fraction is not None:
        rates.axhline(dashboard.rate.fraction, color=MUTED, linewidth=0.8, linestyle=":")
    rates.set_ylim(0, min(1.0, max(_highest(middles, highs), 0.001) * 1.1))
    rates.yaxis.set_major_formatter(PercentFormatter(1, decimals=None))
    counts.vlines(xs, 0, [rate.n for rate in found], color=QUIET, linewidth=max(1.0, min(9.0, 260 / max(len(xs), 1))))
    counts.set_ylim(bottom=0)
    counts.set_ylabel("Images", fontsize=7, color=MUTED)
    counts.yaxis.set_major_locator(MaxNLocator(2, integer=True))
    for axes in (rates, counts):
        _quiet(axes)
    counts.grid(visible=False)
    return _png(figure)


def pareto_chart(dashboard: Dashboard, *, width_mm: float, height_mm: float) -> bytes:
    """Which defects hit most images, with the running share of all findings."""
    ranked = sorted((label for label in dashboard.labels if label.is_defect), key=lambda label: -label.affected_count)
    ranked = [label for label in ranked if label.affected_count][:_MOST_BARS]
    figure, axes = _axes(width_mm, height_mm)
    names = [_short(label.name) for label in ranked]
    amounts = [label.affected_count for label in ranked]
    places = range(len(ranked))
    axes.bar(places, amounts, color=[label.color for label in ranked], width=0.66)
    axes.set_xticks(places, names, rotation=20 if len(ranked) > 3 else 0, fontsize=7)
    for place, amount in zip(places, amounts, strict=True):
        axes.annotate(f"{amount:,}", (place, amount), ha="center", va="bottom", fontsize=7, color=TEXT)
    axes.set_ylabel("Images affected", fontsize=7, color=MUTED)
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    running = axes.twinx()
    running.plot(places, cumulative_fractions(amounts), color=TEXT, linewidth=1, marker="o", markersize=2.5)
    running.set_ylim(0, 1.08)
    running.yaxis.set_major_formatter(PercentFormatter(1))
    _quiet(axes)
    _quiet(running)
    running.grid(visible=False)
    axes.grid(visible=False, axis="x")
    return _png(figure)


def sources_chart(dashboard: Dashboard, *, width_mm: float, height_mm: float) -> bytes:
    """The rate of each source with its 95 % interval; surest high rates first."""
    rows = sorted(dashboard.sources, key=lambda row: -_rate(row).interval.low)[:_MOST_SOURCES]
    figure, axes = _axes(width_mm, height_mm)
    for place, row in enumerate(reversed(rows)):
        rate = _rate(row)
        axes.plot([rate.interval.low, rate.interval.high], [place, place], color=RATE, alpha=0.45, linewidth=2)
        axes.plot(rate.fraction or 0.0, place, "o", markersize=4, color="white" if rate.is_too_few else RATE, mec=RATE)
    axes.set_yticks(range(len(rows)), [_short(row.name or "No source") for row in reversed(rows)], fontsize=7)
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.set_xlim(left=0)
    if dashboard.rate.fraction is not None:
        axes.axvline(dashboard.rate.fraction, color=MUTED, linewidth=0.8, linestyle=":")
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=None))
    _quiet(axes)
    axes.grid(visible=False, axis="y")
    return _png(figure)


def _axes(width_mm: float, height_mm: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width_mm / 25.4, height_mm / 25.4), dpi=_DPI, layout="constrained")
    return figure, figure.subplots()


def _quiet(axes: Axes) -> None:
    axes.tick_params(labelsize=7, colors=MUTED, length=0)
    axes.grid(color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    for side in axes.spines.values():
        side.set_visible(False)


def _highest(middles: Sequence[float], highs: Sequence[float]) -> float:
    """The top of the axis: all of the curve, and of the interval what is not of a handful of images."""
    return max([*middles, *(min(high, 2.5 * middle) for middle, high in zip(middles, highs, strict=True))], default=0)


def _rate(row: TrendRow | SourceRow) -> Rate:
    return Rate.of(row.defective_count, row.inspected_count)


def _short(name: str) -> str:
    plain = name.replace("$", r"\$")
    return plain if len(plain) <= _NAME_LENGTH else plain[: _NAME_LENGTH - 1] + "…"


def _png(figure: Figure) -> bytes:
    file = io.BytesIO()
    # Without the program's version and the time: the same numbers give the same bytes.
    figure.savefig(file, format="png", metadata={"Software": None})
    return file.getvalue()
