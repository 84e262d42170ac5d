"""Rows → Plotly figures, in one theme.

Colours are Okabe and Ito's, which people with colour-blindness can tell apart ("Color universal design",
2008), or a label's own. They are written as CSS variables, `var(--defect)`, and resolved by the page, so that
one figure serves light and dark. Every point and bar carries the query string of the images behind it as
`customdata`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import plotly.graph_objects as go

TEXT = "var(--text)"
MUTED = "var(--muted)"
GRID = "var(--border)"
SURFACE = "var(--surface)"
RATE = "var(--defect)"
BAND = "var(--chart-band)"
QUIET = "var(--chart-quiet)"
REFERENCE = "var(--accent)"

_NAME_LENGTH = 22
_ERROR_BARS_UP_TO = 31
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


def trend(points: Sequence[Point], *, color: str = RATE) -> dict[str, Any]:
    """Rate over time with its interval as error bars or, for many points, a band; below it the n of each."""
    many = len(points) > _ERROR_BARS_UP_TO
    xs = [point.x for point in points]
    figure = _figure(height=340, margin={"l": 52, "r": 12, "t": 8, "b": 36})
    if many:
        figure.add_traces(_band(points))
    figure.add_scatter(
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
        hovertext=[_lines(point.hover) for point in points],
        hoverinfo="text",
        customdata=[point.query for point in points],
    )
    figure.add_bar(
        x=xs,
        y=[point.n for point in points],
        yaxis="y2",
        marker={"color": QUIET, "line": {"width": 0}},
        hovertext=[_lines(point.hover) for point in points],
        hoverinfo="text",
        customdata=[point.all_query for point in points],
    )
    figure.update_layout(
        xaxis=_axis(type="date", showgrid=False, anchor="y2", fixedrange=True, nticks=8),
        yaxis=_axis(tickformat=",.1~%", rangemode="tozero", domain=[0.32, 1], nticks=5, fixedrange=True),
        yaxis2=_axis(domain=[0, 0.2], nticks=3, rangemode="tozero", fixedrange=True, title=_title("Images")),
        bargap=0.25,
    )
    figure.update_yaxes(title=_title("Share of images"), selector={"domain": [0.32, 1]})
    return _plain(figure)


def pareto(bars: Sequence[Bar], cumulative: Sequence[float], *, tickformat: str) -> dict[str, Any]:
    """Bars from the largest down, and the running share of their sum as a line on the right-hand axis."""
    places = list(range(len(bars)))
    figure = _figure(height=320, margin={"l": 52, "r": 48, "t": 24, "b": 56})
    figure.add_bar(
        x=places,
        y=[bar.amount for bar in bars],
        marker=_bar_colors(bars),
        text=[bar.text for bar in bars],
        textposition="outside",
        cliponaxis=False,
        hovertext=[_lines(bar.hover) for bar in bars],
        hoverinfo="text",
        customdata=[bar.query for bar in bars],
    )
    figure.add_scatter(
        x=places,
        y=list(cumulative),
        yaxis="y2",
        mode="lines+markers",
        line={"color": MUTED, "width": 1.5},
        marker={"color": SURFACE, "line": {"color": MUTED, "width": 1.5}, "size": 6},
        hoverinfo="skip",
    )
    figure.update_layout(
        xaxis=_axis(showgrid=False, fixedrange=True, **_names(bars), range=[-0.6, len(bars) - 0.4]),
        yaxis=_axis(tickformat=tickformat, rangemode="tozero", nticks=5, fixedrange=True, automargin=True),
        yaxis2=_axis(
            overlaying="y", side="right", range=[0, 1.08], tickformat=",.0%", showgrid=False, fixedrange=True
        ),
        bargap=0.35,
    )
    return _plain(figure)


def bars(rows: Sequence[Bar]) -> dict[str, Any]:
    """Shares of area as horizontal bars, the first on top."""
    figure = _figure(height=_height(len(rows)), margin={"l": 8, "r": 56, "t": 8, "b": 36})
    figure.add_bar(
        y=list(range(len(rows))),
        x=[row.amount for row in rows],
        orientation="h",
        marker=_bar_colors(rows),
        text=[row.text for row in rows],
        textposition="outside",
        cliponaxis=False,
        hovertext=[_lines(row.hover) for row in rows],
        hoverinfo="text",
        customdata=[row.query for row in rows],
    )
    figure.update_layout(
        xaxis=_axis(tickformat=",.3~%", rangemode="tozero", nticks=5, fixedrange=True),
        yaxis=_axis(showgrid=False, fixedrange=True, automargin=True, **_names(rows), **_downwards(rows)),
        bargap=0.4,
    )
    return _plain(figure)


def dots(points: Sequence[Point], *, overall: float, color: str = RATE) -> dict[str, Any]:
    """Rates of several sources with their intervals, and the rate of all of them as a line."""
    figure = _figure(height=_height(len(points)), margin={"l": 8, "r": 16, "t": 8, "b": 36})
    figure.add_scatter(
        y=list(range(len(points))),
        x=[point.fraction for point in points],
        mode="markers",
        marker={
            "color": [SURFACE if point.is_too_few else color for point in points],
            "line": {"color": color, "width": 2},
            "size": 11,
        },
        error_x=_error_bars(points, color),
        hovertext=[_lines(point.hover) for point in points],
        hoverinfo="text",
        customdata=[point.query for point in points],
    )
    names = {"tickvals": list(range(len(points))), "ticktext": [_short(point.x) for point in points]}
    figure.add_vline(x=overall, line={"color": REFERENCE, "width": 1.5, "dash": "dot"})
    figure.update_layout(
        xaxis=_axis(tickformat=",.1~%", rangemode="tozero", nticks=5, fixedrange=True),
        yaxis=_axis(showgrid=False, fixedrange=True, automargin=True, **names, **_downwards(points)),
    )
    return _plain(figure)


def _figure(*, height: int, margin: dict[str, int]) -> go.Figure:
    return go.Figure(
        layout={
            "template": None,
            "height": height,
            "margin": margin | {"pad": 4},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "font": {"family": "system-ui, sans-serif", "size": 12, "color": MUTED},
            "showlegend": False,
            "hovermode": "closest",
            "hoverlabel": {"bgcolor": SURFACE, "bordercolor": GRID, "font": {"color": TEXT}, "align": "left"},
            "dragmode": False,
        }
    )


def _axis(**settings: Any) -> dict[str, Any]:
    return {
        "gridcolor": GRID,
        "linecolor": GRID,
        "zeroline": False,
        "ticks": "",
        "color": MUTED,
        **settings,
    }


def _title(text: str) -> dict[str, Any]:
    return {"text": text, "font": {"size": 11, "color": MUTED}, "standoff": 6}


def _band(points: Sequence[Point]) -> list[go.Scatter]:
    shared = {"x": [point.x for point in points], "mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
    return [
        go.Scatter(y=[point.low for point in points], **shared),
        go.Scatter(y=[point.high for point in points], fill="tonexty", fillcolor=BAND, **shared),
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
    return {"tickvals": list(range(len(rows))), "ticktext": [_short(row.name) for row in rows]}


def _downwards(rows: Sequence[Any]) -> dict[str, Any]:
    return {"range": [len(rows) - 0.4, -0.6]}


def _height(count: int) -> int:
    return max(180, 44 + 34 * count)


def _short(name: str) -> str:
    """Escaped, because Plotly reads a little HTML in what it writes."""
    return escape(name if len(name) <= _NAME_LENGTH else name[: _NAME_LENGTH - 1] + "…")


def _lines(text: str) -> str:
    return escape(text).replace("\n", "<br>")


def _plain(figure: go.Figure) -> dict[str, Any]:
    drawn: dict[str, Any] = figure.to_plotly_json()
    return drawn
