"""Figures of the dashboard's further pages: values over time, limits, distributions, small multiples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from analytics.theme import (
    DATE_FORMATS,
    MUTED,
    RATE,
    REFERENCE,
    SURFACE,
    TEXT,
    axis,
    figure,
    lines,
    plain,
    short,
    title,
)

LEGEND = {
    "orientation": "h",
    "x": 0,
    "y": 1.0,
    "xanchor": "left",
    "yanchor": "bottom",
    "font": {"size": 11},
    "itemclick": False,
    "itemdoubleclick": False,
}
PERCENT = ",.3~%"
_DOTS_UP_TO = 62
_SMALL_DOTS_UP_TO = 31
_DASHES = ("solid", "dash", "dot", "dashdot")


@dataclass(frozen=True)
class Mark:
    """One value. `x` is a day or a number; `query` finds the images behind it; `low`, `high`: its limits, if any.

    `is_too_few`: so few images are behind it that it says little; it is drawn hollow.
    """

    x: Any
    y: float | None
    hover: str
    query: str
    low: float | None = None
    high: float | None = None
    is_out: bool = False
    is_too_few: bool = False


@dataclass(frozen=True)
class Line:
    name: str
    color: str
    marks: tuple[Mark, ...]


def over_time(rows: Sequence[Line], *, tickformat: str = PERCENT) -> dict[str, Any]:
    """Values of several names over time, each a line of its own; names tell more than colours, so dashes differ."""
    drawn = figure(height=330, margin={"l": 58, "r": 12, "t": 34 if len(rows) > 1 else 10, "b": 36})
    for place, row in enumerate(rows):
        drawn.add_scatter(
            name=lines(short(row.name)),
            x=[mark.x for mark in row.marks],
            y=[mark.y for mark in row.marks],
            mode="lines+markers",
            line={"color": row.color, "width": 2, "dash": _DASHES[place % len(_DASHES)]},
            marker=_dots(row.marks, row.color, 7 if len(row.marks) <= _DOTS_UP_TO else 4),
            cliponaxis=False,
            connectgaps=False,
            hovertext=[lines(mark.hover) for mark in row.marks],
            hoverinfo="text",
            customdata=[mark.query for mark in row.marks],
        )
    drawn.update_layout(
        showlegend=len(rows) > 1,
        legend=LEGEND,
        xaxis=_time(),
        yaxis=axis(tickformat=tickformat, automargin=True, rangemode="tozero", nticks=5),
    )
    return plain(drawn)


def _dots(marks: Sequence[Mark], color: str, size: int) -> dict[str, Any]:
    """Full dots, and hollow ones where there are too few images."""
    return {
        "color": [SURFACE if mark.is_too_few else color for mark in marks],
        "line": {"color": color, "width": 1.5},
        "size": size,
    }


def limits(
    marks: Sequence[Mark], *, centre: float, tickformat: str = PERCENT, color: str = REFERENCE, began: Any = None
) -> dict[str, Any]:
    """A control chart: values, their middle and their limits; what is outside is larger, red and a diamond.

    `began`: where a change began, as a dotted line.
    """
    drawn = figure(height=320, margin={"l": 58, "r": 12, "t": 22, "b": 36})
    xs = [mark.x for mark in marks]
    for ends in ([mark.low for mark in marks], [mark.high for mark in marks]):
        drawn.add_scatter(
            x=xs,
            y=ends,
            mode="lines",
            line={"color": MUTED, "width": 1.25, "dash": "dash", "shape": "hvh"},
            hoverinfo="skip",
        )
    drawn.add_scatter(
        x=[xs[0], xs[-1]] if xs else [],
        y=[centre, centre],
        mode="lines",
        line={"color": MUTED, "width": 1},
        hoverinfo="skip",
    )
    drawn.add_scatter(
        x=xs,
        y=[mark.y for mark in marks],
        mode="lines+markers",
        line={"color": color, "width": 1.75},
        marker={
            "color": [RATE if mark.is_out else color for mark in marks],
            "symbol": ["diamond" if mark.is_out else "circle" for mark in marks],
            "size": [11 if mark.is_out else (6 if len(marks) <= _DOTS_UP_TO else 4) for mark in marks],
        },
        cliponaxis=False,
        hovertext=[lines(mark.hover) for mark in marks],
        hoverinfo="text",
        customdata=[mark.query for mark in marks],
    )
    if began is not None:
        drawn.add_vline(x=began, line={"color": REFERENCE, "width": 1.5, "dash": "dot"})
    drawn.update_layout(xaxis=_time(), yaxis=axis(tickformat=tickformat, automargin=True, nticks=5))
    return plain(drawn)


def histogram(bars: Sequence[Mark], *, name: str, names: Sequence[str], color: str) -> dict[str, Any]:
    """Counts of images in steps, from the smallest on; `names` stand under every bar, `name` under all of them."""
    drawn = figure(height=300, margin={"l": 52, "r": 12, "t": 12, "b": 56})
    drawn.add_bar(
        x=list(range(len(bars))),
        y=[bar.y for bar in bars],
        marker={"color": color, "line": {"color": MUTED, "width": 0.75}},
        hovertext=[lines(bar.hover) for bar in bars],
        hoverinfo="text",
        customdata=[bar.query for bar in bars],
    )
    every = max(1, -(-len(bars) // 8))
    shown = list(range(0, len(bars), every))
    drawn.update_layout(
        bargap=0.08,
        xaxis=axis(
            showgrid=False,
            automargin=True,
            tickvals=shown,
            ticktext=[names[place] for place in shown],
            title=title(name),
        ),
        yaxis=axis(rangemode="tozero", nticks=5, tickformat=",~s", title=title("Images")),
    )
    return plain(drawn)


@dataclass(frozen=True)
class Pair:
    """A raw number and what it becomes once corrected, with its interval."""

    name: str
    raw: Mark
    corrected: Mark | None


def pairs(rows: Sequence[Pair], *, tickformat: str = PERCENT) -> dict[str, Any]:
    """Raw numbers as hollow dots, corrected ones as full dots with their intervals, the first on top."""
    drawn = figure(height=max(190, 76 + 40 * len(rows)), margin={"l": 8, "r": 16, "t": 34, "b": 36})
    places = list(range(len(rows)))
    drawn.add_scatter(
        name="As counted",
        x=[row.raw.y for row in rows],
        y=[place - 0.12 for place in places],
        mode="markers",
        marker={"color": SURFACE, "line": {"color": MUTED, "width": 2}, "size": 11},
        cliponaxis=False,
        hovertext=[lines(row.raw.hover) for row in rows],
        hoverinfo="text",
        customdata=[row.raw.query for row in rows],
    )
    known = [(place, row.corrected) for place, row in zip(places, rows, strict=True) if row.corrected]
    drawn.add_scatter(
        name="Corrected",
        x=[mark.y for _, mark in known],
        y=[place + 0.12 for place, _ in known],
        mode="markers",
        marker={"color": REFERENCE, "size": 11},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [(mark.high or 0) - (mark.y or 0) for _, mark in known],
            "arrayminus": [(mark.y or 0) - (mark.low or 0) for _, mark in known],
            "color": REFERENCE,
            "thickness": 1.25,
            "width": 3,
        },
        cliponaxis=False,
        hovertext=[lines(mark.hover) for _, mark in known],
        hoverinfo="text",
        customdata=[mark.query for _, mark in known],
    )
    drawn.update_layout(
        showlegend=True,
        legend=LEGEND,
        xaxis=axis(tickformat=tickformat, rangemode="tozero", nticks=5),
        yaxis=axis(
            showgrid=False,
            automargin=True,
            tickvals=places,
            ticktext=[short(row.name) for row in rows],
            range=[len(rows) - 0.4, -0.6],
        ),
    )
    return plain(drawn)


def small(marks: Sequence[Mark], *, mean: float, highest: float, first: datetime, last: datetime) -> dict[str, Any]:
    """One of several small charts on the same two axes: a rate over time, and the mean of all as a dotted line.

    The axis of time goes from `first` to `last`, that of rates a little beyond 0 and `highest`.
    """
    drawn = figure(height=120, margin={"l": 40, "r": 8, "t": 6, "b": 22})
    drawn.add_scatter(
        x=[mark.x for mark in marks],
        y=[mark.y for mark in marks],
        mode="lines+markers",
        line={"color": RATE, "width": 1.75},
        marker=_dots(marks, RATE, 6 if len(marks) <= _SMALL_DOTS_UP_TO else 4),
        cliponaxis=False,
        hovertext=[lines(mark.hover) for mark in marks],
        hoverinfo="text",
        customdata=[mark.query for mark in marks],
    )
    drawn.add_hline(y=mean, line={"color": REFERENCE, "width": 1.25, "dash": "dot"})
    drawn.update_layout(
        xaxis=axis(
            type="date",
            showgrid=False,
            range=[first.isoformat(), last.isoformat()],
            nticks=4,
            tickformat="%-d %b",
            tickangle=0,
        ),
        yaxis=axis(tickformat=",.1~%", range=[-0.06 * highest, 1.06 * highest], nticks=3),
    )
    return plain(drawn)


def happenings(rows: Sequence[tuple[str, Sequence[Mark]]]) -> dict[str, Any]:
    """What happened when: one row of marks per kind, the first on top."""
    drawn = figure(height=max(150, 60 + 44 * len(rows)), margin={"l": 8, "r": 16, "t": 8, "b": 36})
    for place, (_, marks) in enumerate(rows):
        drawn.add_scatter(
            x=[mark.x for mark in marks],
            y=[place] * len(marks),
            mode="markers",
            marker={"color": REFERENCE, "size": 12, "symbol": "diamond", "line": {"color": TEXT, "width": 0.5}},
            cliponaxis=False,
            hovertext=[lines(mark.hover) for mark in marks],
            hoverinfo="text",
            customdata=[mark.query for mark in marks],
        )
    drawn.update_layout(
        xaxis=_time() | _a_day_at_least([mark.x for _, marks in rows for mark in marks]),
        yaxis=axis(
            automargin=True,
            tickvals=list(range(len(rows))),
            ticktext=[short(name) for name, _ in rows],
            range=[len(rows) - 0.4, -0.6],
        ),
    )
    return plain(drawn)


def _a_day_at_least(moments: Sequence[str]) -> dict[str, Any]:
    """The range of an axis where all is within a day; else nothing, and Plotly finds it."""
    first, last = (datetime.fromisoformat(moment) for moment in (min(moments), max(moments)))
    if last - first >= timedelta(days=1):
        return {}
    return {"range": [moment.isoformat() for moment in (first - timedelta(hours=12), last + timedelta(hours=12))]}


def _time() -> dict[str, Any]:
    return axis(type="date", showgrid=False, tickangle=0, tickformatstops=DATE_FORMATS)
