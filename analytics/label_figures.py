"""Amounts of labels as Plotly figures: Paretos, areas, and what moved.

Every bar carries the query string of the images behind it as `customdata`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from analytics.figures import downwards, height
from analytics.statistics import Interval
from analytics.theme import MUTED, SURFACE, axis, figure, lines, plain, short, title

_FEWEST_PLACES = 4
_FAINT = 0.35


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
class Shift:
    """How far something moved: a difference of shares, −1 to 1, with its interval where it has one."""

    name: str
    amount: float
    interval: Interval | None
    hover: str
    query: str | None
    color: str


def pareto(bars: Sequence[Bar], cumulative: Sequence[float], *, amount_name: str, are_counts: bool) -> dict[str, Any]:
    """Bars from the largest down, and the running share of their sum as a line on the right-hand axis.

    Amounts are counts, or else shares 0–1; `amount_name` stands beside their axis.
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
            title=title(amount_name),
            **({"dtick": 1} if are_counts and bars[0].amount < 5 else {"nticks": 5}),
        ),
        yaxis2=axis(
            overlaying="y",
            side="right",
            range=[0, 1.08],
            tickformat=",.0%",
            showgrid=False,
            automargin=True,
            title=title("Running share"),
        ),
        bargap=0.35,
    )
    return plain(drawn)


def bars(rows: Sequence[Bar]) -> dict[str, Any]:
    """Shares of area as horizontal bars, the first on top."""
    drawn = figure(height=height(len(rows)), margin={"l": 8, "r": 56, "t": 8, "b": 36})
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
        yaxis=axis(showgrid=False, automargin=True, **_names(rows), **downwards(rows)),
        bargap=0.4,
    )
    return plain(drawn)


def shifts(rows: Sequence[Shift]) -> dict[str, Any]:
    """Differences in percentage points as horizontal bars from zero, the first on top."""
    drawn = figure(height=height(len(rows)), margin={"l": 8, "r": 24, "t": 8, "b": 36})
    bars_of = [row.interval or Interval(row.amount, row.amount) for row in rows]
    drawn.add_bar(
        y=list(range(len(rows))),
        x=[100 * row.amount for row in rows],
        orientation="h",
        marker={"color": [row.color for row in rows], "line": {"color": MUTED, "width": 0.75}},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [100 * (bar.high - row.amount) for bar, row in zip(bars_of, rows, strict=True)],
            "arrayminus": [100 * (row.amount - bar.low) for bar, row in zip(bars_of, rows, strict=True)],
            "color": MUTED,
            "thickness": 1.5,
            "width": 4,
            "visible": any(row.interval for row in rows),
        },
        cliponaxis=False,
        hovertext=[lines(row.hover) for row in rows],
        hoverinfo="text",
        customdata=[row.query for row in rows],
    )
    names = {"tickvals": list(range(len(rows))), "ticktext": [short(row.name) for row in rows]}
    drawn.add_vline(x=0, line={"color": MUTED, "width": 1})
    drawn.update_layout(
        xaxis=axis(tickformat="+,.3~f", ticksuffix=" pt", nticks=5),
        yaxis=axis(showgrid=False, automargin=True, **names, **downwards(rows)),
        bargap=0.45,
    )
    return plain(drawn)


def _bar_colors(rows: Sequence[Bar]) -> dict[str, Any]:
    return {
        "color": [row.color for row in rows],
        "opacity": [_FAINT if row.is_faint else 1 for row in rows],
        "line": {"color": MUTED, "width": 0.75},
    }


def _names(rows: Sequence[Bar]) -> dict[str, Any]:
    return {"tickvals": list(range(len(rows))), "ticktext": [short(row.name) for row in rows]}
