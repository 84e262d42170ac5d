"""Rows → Plotly figures.

Every point and bar carries the query string of the images behind it as `customdata`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from analytics.drawing import Drawing, Trace, bar, scatter
from analytics.theme import (
    DATE_FORMATS,
    QUIET,
    RATE,
    REFERENCE,
    SURFACE,
    axis,
    band_color,
    figure,
    lines,
    plain,
    short,
    title,
)

_ERROR_BARS_UP_TO = 31


@dataclass(frozen=True)
class Point:
    """A rate with its interval, shares 0–1. `hover` may hold line breaks.

    `query` finds the images behind the rate, `all_query` those behind its n.
    """

    x: str
    fraction: float
    low: float
    high: float
    n: int
    hover: str
    query: str
    all_query: str
    is_too_few: bool = False


@dataclass(frozen=True)
class Marker:
    """Something that happened at `x` on a trend: a line with a short label, more when pointed at."""

    x: str
    label: str
    hover: str


def trend(
    points: Sequence[Point], *, width: timedelta, color: str = RATE, markers: Sequence[Marker] = ()
) -> dict[str, Any]:
    """Rate over time with its interval as error bars or, for many points, a band; below it the n of each.

    `width` is the time that a point stands for.
    """
    many = len(points) > _ERROR_BARS_UP_TO
    xs = [point.x for point in points]
    drawn = figure(height=340, margin={"l": 52, "r": 12, "t": 22 if markers else 8, "b": 36})
    if many:
        drawn.add_traces(_band(points, color))
    drawn.add_scatter(
        x=xs,
        y=[point.fraction for point in points],
        mode="lines+markers",
        line={"color": color, "width": 2},
        marker={
            "color": [SURFACE if point.is_too_few else color for point in points],
            "line": {"color": color, "width": 1.5},
            "size": 5 if many else 8,
        },
        error_y=None if many else _error_bars(points, color),
        cliponaxis=False,
        hovertext=[lines(point.hover) for point in points],
        hoverinfo="text",
        customdata=[point.query for point in points],
    )
    drawn.add_trace(count_bars(points, width))
    drawn.add_traces(marker_lines(markers))
    time_axes(drawn, rates=_top(points, many))
    return plain(drawn)


def count_bars(points: Sequence[Point], width: timedelta) -> Trace:
    """The images behind each point, on the lower axis of `time_axes`."""
    return bar(
        x=[point.x for point in points],
        y=[point.n for point in points],
        yaxis="y2",
        width=width.total_seconds() * 1000 * 0.75,
        marker={"color": QUIET, "line": {"width": 0}},
        hovertext=[lines(point.hover) for point in points],
        hoverinfo="text",
        customdata=[point.all_query for point in points],
    )


def time_axes(drawn: Drawing, *, rates: dict[str, Any]) -> None:
    """Rates above, images below, markers over both heights of the rates; `rates`: settings of the rates' axis."""
    drawn.update_layout(
        xaxis=axis(type="date", showgrid=False, anchor="y2", tickangle=0, tickformatstops=DATE_FORMATS),
        yaxis=axis(tickformat=",.1~%", domain=[0.32, 1], nticks=5, **rates),
        yaxis2=axis(domain=[0, 0.2], nticks=3, rangemode="tozero", title=title("Images")),
        yaxis3=axis(domain=[0.32, 1], range=[0, 1], overlaying="y", visible=False),
    )


def dots(points: Sequence[Point], *, overall: float, color: str = RATE) -> dict[str, Any]:
    """Rates of several sources with their intervals, and the rate of all of them as a line."""
    drawn = figure(height=height(len(points)), margin={"l": 8, "r": 16, "t": 8, "b": 36})
    drawn.add_scatter(
        y=list(range(len(points))),
        x=[point.fraction for point in points],
        mode="markers",
        marker={
            "color": [SURFACE if point.is_too_few else color for point in points],
            "line": {"color": color, "width": 2},
            "size": 11,
        },
        error_x=_error_bars(points, color),
        cliponaxis=False,
        hovertext=[lines(point.hover) for point in points],
        hoverinfo="text",
        customdata=[point.query for point in points],
    )
    names = {"tickvals": list(range(len(points))), "ticktext": [short(point.x) for point in points]}
    drawn.add_vline(x=overall, line={"color": REFERENCE, "width": 1.5, "dash": "dot"})
    drawn.update_layout(
        xaxis=axis(tickformat=",.1~%", rangemode="tozero", nticks=5),
        yaxis=axis(showgrid=False, automargin=True, **names, **downwards(points)),
    )
    return plain(drawn)


def marker_lines(markers: Sequence[Marker]) -> list[Trace]:
    """On an axis of their own from bottom to top, so that they neither stretch nor follow the rates."""
    return [
        scatter(
            x=[marker.x, marker.x],
            y=[0, 1],
            yaxis="y3",
            mode="lines+text",
            line={"color": REFERENCE, "width": 1.5, "dash": "dot"},
            text=["", lines(marker.label)],
            textposition="top center",
            textfont={"size": 11, "color": REFERENCE},
            cliponaxis=False,
            hovertext=lines(marker.hover),
            hoverinfo="text",
        )
        for marker in markers
    ]


def _top(points: Sequence[Point], many: bool) -> dict[str, Any]:
    """Among many points those of a few images have bands that would press the others flat."""
    if not many:
        return {"rangemode": "tozero"}
    surely = max((point.high for point in points if not point.is_too_few), default=0.0)
    return {"range": [0, min(1.05, 1.15 * max(surely, *(point.fraction for point in points), 0.01))]}


def _band(points: Sequence[Point], color: str) -> list[Trace]:
    fill = band_color(color)
    shared = {"x": [point.x for point in points], "mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
    return [
        scatter(y=[point.low for point in points], **shared),
        scatter(y=[point.high for point in points], fill="tonexty", fillcolor=fill, **shared),
    ]


def _error_bars(points: Sequence[Point], color: str) -> dict[str, Any]:
    return {
        "type": "data",
        "symmetric": False,
        "array": [point.high - point.fraction for point in points],
        "arrayminus": [point.fraction - point.low for point in points],
        "color": color,
        "thickness": 1.25,
        "width": 3,
    }


def downwards(rows: Sequence[Any]) -> dict[str, Any]:
    return {"range": [len(rows) - 0.4, -0.6]}


def height(count: int) -> int:
    return max(180, 44 + 34 * count)
