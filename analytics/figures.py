"""Rows → Plotly figures.

Every point and bar carries the query string of the images behind it as `customdata`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import plotly.graph_objects as go

from analytics.theme import (
    DATE_FORMATS,
    MUTED,
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
_FEWEST_PLACES = 4
_FAINT = 0.35


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
class Bar:
    """An amount of one label or source. `text` is written at its end."""

    name: str
    amount: float
    text: str
    hover: str
    query: str
    color: str
    is_faint: bool = False


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
    drawn.add_bar(
        x=xs,
        y=[point.n for point in points],
        yaxis="y2",
        width=width.total_seconds() * 1000 * 0.75,
        marker={"color": QUIET, "line": {"width": 0}},
        hovertext=[lines(point.hover) for point in points],
        hoverinfo="text",
        customdata=[point.all_query for point in points],
    )
    drawn.add_traces(_markers(markers))
    drawn.update_layout(
        xaxis=axis(
            type="date",
            showgrid=False,
            anchor="y2",
            tickangle=0,
            tickformatstops=DATE_FORMATS,
        ),
        yaxis=axis(tickformat=",.1~%", domain=[0.32, 1], nticks=5, **_top(points, many)),
        yaxis2=axis(domain=[0, 0.2], nticks=3, rangemode="tozero", title=title("Images")),
        yaxis3=axis(domain=[0.32, 1], range=[0, 1], overlaying="y", visible=False),
    )
    return plain(drawn)


def pareto(bars: Sequence[Bar], cumulative: Sequence[float], *, are_counts: bool) -> dict[str, Any]:
    """Bars from the largest down, and the running share of their sum as a line on the right-hand axis.

    Amounts are counts, or else shares 0–1.
    """
    tickformat = ",d" if are_counts else ",.3~%"
    places = list(range(len(bars)))
    drawn = figure(height=320, margin={"l": 52, "r": 48, "t": 24, "b": 32})
    drawn.add_bar(
        x=places,
        y=[bar.amount for bar in bars],
        marker=_bar_colors(bars),
        text=[lines(bar.text) for bar in bars],
        textposition="outside",
        textfont={"size": 11},
        constraintext="none",
        cliponaxis=False,
        hovertext=[lines(bar.hover) for bar in bars],
        hoverinfo="text",
        customdata=[bar.query for bar in bars],
    )
    if len(bars) > 1:
        drawn.add_scatter(
            x=places,
            y=list(cumulative),
            yaxis="y2",
            mode="lines+markers",
            line={"color": MUTED, "width": 1.5},
            marker={"color": SURFACE, "line": {"color": MUTED, "width": 1.5}, "size": 6},
            hoverinfo="skip",
        )
    drawn.update_layout(
        xaxis=axis(
            showgrid=False,
            automargin=True,
            **_names(bars),
            range=[-0.6, max(len(bars), _FEWEST_PLACES) - 0.4],
        ),
        yaxis=axis(
            tickformat=tickformat,
            rangemode="tozero",
            automargin=True,
            **({"dtick": 1} if are_counts and bars[0].amount < 5 else {"nticks": 5}),
        ),
        yaxis2=axis(overlaying="y", side="right", range=[0, 1.08], tickformat=",.0%", showgrid=False),
        bargap=0.35,
    )
    return plain(drawn)


def bars(rows: Sequence[Bar]) -> dict[str, Any]:
    """Shares of area as horizontal bars, the first on top."""
    drawn = figure(height=_height(len(rows)), margin={"l": 8, "r": 56, "t": 8, "b": 36})
    drawn.add_bar(
        y=list(range(len(rows))),
        x=[row.amount for row in rows],
        orientation="h",
        marker=_bar_colors(rows),
        text=[lines(row.text) for row in rows],
        textposition="outside",
        textfont={"size": 11},
        constraintext="none",
        cliponaxis=False,
        hovertext=[lines(row.hover) for row in rows],
        hoverinfo="text",
        customdata=[row.query for row in rows],
    )
    drawn.update_layout(
        xaxis=axis(tickformat=",.3~%", rangemode="tozero", nticks=5),
        yaxis=axis(showgrid=False, automargin=True, **_names(rows), **_downwards(rows)),
        bargap=0.4,
    )
    return plain(drawn)


def dots(points: Sequence[Point], *, overall: float, color: str = RATE) -> dict[str, Any]:
    """Rates of several sources with their intervals, and the rate of all of them as a line."""
    drawn = figure(height=_height(len(points)), margin={"l": 8, "r": 16, "t": 8, "b": 36})
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
        yaxis=axis(showgrid=False, automargin=True, **names, **_downwards(points)),
    )
    return plain(drawn)


def _markers(markers: Sequence[Marker]) -> list[go.Scatter]:
    """On an axis of their own from bottom to top, so that they neither stretch nor follow the rates."""
    return [
        go.Scatter(
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


def _band(points: Sequence[Point], color: str) -> list[go.Scatter]:
    fill = band_color(color)
    shared = {"x": [point.x for point in points], "mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
    return [
        go.Scatter(y=[point.low for point in points], **shared),
        go.Scatter(y=[point.high for point in points], fill="tonexty", fillcolor=fill, **shared),
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


def _bar_colors(rows: Sequence[Bar]) -> dict[str, Any]:
    return {
        "color": [row.color for row in rows],
        "opacity": [_FAINT if row.is_faint else 1 for row in rows],
        "line": {"color": MUTED, "width": 0.75},
    }


def _names(rows: Sequence[Bar]) -> dict[str, Any]:
    return {"tickvals": list(range(len(rows))), "ticktext": [short(row.name) for row in rows]}


def _downwards(rows: Sequence[Any]) -> dict[str, Any]:
    return {"range": [len(rows) - 0.4, -0.6]}


def _height(count: int) -> int:
    return max(180, 44 + 34 * count)
