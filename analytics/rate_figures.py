"""Control charts as Plotly figures."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from analytics.drawing import Trace, scatter
from analytics.figures import Marker, Point, count_bars, marker_lines, time_axes
from analytics.statistics import Chart
from analytics.statistics.rules import Signal
from analytics.theme import MUTED, RATE, SURFACE, figure, lines, plain
from analytics.wording import percent

_MANY = 60


def control(
    points: Sequence[Point],
    chart: Chart,
    signals: Sequence[Signal],
    *,
    width: timedelta,
    color: str = RATE,
    markers: Sequence[Marker] = (),
) -> dict[str, Any]:
    """Rates with the average and each point's own limits; below them the images of each.

    Points outside of their limits are diamonds, points of other runs have a ring. `width` is the time that a point
    stands for.
    """
    xs = [point.x for point in points]
    drawn = figure(height=360, margin={"l": 52, "r": 12, "t": 22 if markers else 8, "b": 36})
    drawn.add_traces(_limits(xs, chart))
    in_run = {place for signal in signals for place in range(signal.first, signal.last + 1)}
    outside = [point.is_outside for point in chart.points]
    small = 5 if len(points) > _MANY else 7
    drawn.add_scatter(
        x=xs,
        y=[point.fraction for point in points],
        mode="lines+markers",
        line={"color": color, "width": 1.5},
        marker={
            "color": [color if out or place not in in_run else SURFACE for place, out in enumerate(outside)],
            "symbol": ["diamond" if out else "circle" for out in outside],
            "size": [small + 6 if out else small + (3 if place in in_run else 0) for place, out in enumerate(outside)],
            "line": {"color": color, "width": 2},
        },
        cliponaxis=False,
        hovertext=[lines(_hover(point, chart, place, place in in_run)) for place, point in enumerate(points)],
        hoverinfo="text",
        customdata=[point.query for point in points],
    )
    drawn.add_trace(count_bars(points, width))
    drawn.add_traces(marker_lines(markers))
    top = max(*(point.high for point in chart.points), *(point.value for point in chart.points), 0.01)
    time_axes(drawn, rates={"range": [0, min(1.05, 1.1 * top)]})
    return plain(drawn)


def _hover(point: Point, chart: Chart, place: int, is_in_run: bool) -> str:
    here = chart.points[place]
    words = f"{point.hover}\nLimits {percent(here.low)} to {percent(here.high)}"
    if here.is_outside:
        return f"{words}\nOutside the limits"
    return f"{words}\nPart of a run" if is_in_run else words


def _limits(xs: Sequence[str], chart: Chart) -> list[Trace]:
    """Steps, because every point has limits of its own."""
    shared = {"x": xs, "mode": "lines", "hoverinfo": "skip"}
    edge = {"color": MUTED, "width": 1, "dash": "dash", "shape": "hvh"}
    return [
        scatter(y=[chart.centre] * len(xs), line={"color": MUTED, "width": 1.5}, **shared),
        scatter(y=[point.low for point in chart.points], line=edge, **shared),
        scatter(y=[point.high for point in chart.points], line=edge, **shared),
    ]
