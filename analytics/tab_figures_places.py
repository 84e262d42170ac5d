"""Figures of places and of sources side by side: grid, map, funnel, growth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, log10
from typing import Any

from analytics.drawing import Drawing
from analytics.point_names import point_names, side_of
from analytics.tab_figures import LEGEND, PERCENT, Mark
from analytics.theme import DATE_FORMATS, MUTED, RATE, REFERENCE, TEXT, axis, figure, lines, plain, title

HEAT = [[0, "rgba(213, 94, 0, 0)"], [0.02, "rgba(213, 94, 0, 0.12)"], [1, "rgba(213, 94, 0, 1)"]]
_GOOD = "var(--good)"
_SCALE_SHARE = 0.25
_CELLS = {"colorscale": HEAT, "showscale": False, "xgap": 1, "ygap": 1}
_SCALE_STEPS = 20
_OUTLINE = {"color": MUTED, "width": 0.5}


def grid(
    counts: Sequence[Sequence[int]], *, hovers: Sequence[Sequence[str]], queries: Sequence[Sequence[str]]
) -> dict[str, Any]:
    """Counts on a picture's grid, row by row from the upper left; the fullest cell is the darkest."""
    drawn = figure(height=380, margin={"l": 12, "r": 12, "t": 12, "b": 44})
    highest = max(max(row) for row in counts)
    drawn.add_heatmap(
        z=[list(row) for row in counts],
        zmin=0,
        zmax=highest,
        **_CELLS,
        hovertext=[[lines(text) for text in row] for row in hovers],
        hoverinfo="text",
        customdata=[list(row) for row in queries],
    )
    _add_scale(drawn, "Regions", highest)
    drawn.update_layout(
        xaxis=axis(showgrid=False, showticklabels=False, mirror=True, showline=True, constrain="domain"),
        yaxis=axis(
            domain=[0.1, 1],
            showgrid=False,
            showticklabels=False,
            mirror=True,
            showline=True,
            range=[len(counts) - 0.5, -0.5],
            scaleanchor="x",
            constrain="domain",
        ),
    )
    return plain(drawn)


def _add_scale(drawn: Drawing, name: str, highest: int) -> None:
    """What the colours mean, below the picture: cells of 0 to `highest`.

    It is a figure of its own, because Plotly's scales come with inline styles, which pages forbid.
    """
    steps = max(1, min(highest, _SCALE_STEPS))
    values = [highest * step / steps for step in range(steps + 1)]
    drawn.add_heatmap(
        z=[values],
        x=values,
        y=[0],
        xaxis="x2",
        yaxis="y2",
        zmin=0,
        zmax=highest,
        **_CELLS,
        hoverinfo="skip",
    )
    bare = {"showgrid": False, "showline": False}
    few = {"dtick": 1} if highest < 6 else {"nticks": 6}
    drawn.update_layout(
        xaxis2=axis(domain=[0.3, 0.7], anchor="y2", tickformat=",d", title=title(name), **bare, **few),
        yaxis2=axis(domain=[0, 0.05], anchor="x2", showticklabels=False, **bare),
    )


@dataclass(frozen=True)
class Spot:
    """A picture on the ground, metres east and north of the middle of all."""

    east_m: float
    north_m: float
    is_fail: bool
    hover: str
    query: str


def ground(spots: Sequence[Spot]) -> dict[str, Any]:
    """Where pictures were taken: local metres, north up, with a scale bar. Failed ones are diamonds, on top."""
    drawn = figure(height=460, margin={"l": 12, "r": 12, "t": 34, "b": 12})
    for name, is_fail, color, symbol in (("Passed", False, _GOOD, "circle"), ("Failed", True, RATE, "diamond")):
        chosen = [spot for spot in spots if spot.is_fail == is_fail]
        drawn.add_scatter(
            name=name,
            x=[spot.east_m for spot in chosen],
            y=[spot.north_m for spot in chosen],
            mode="markers",
            marker={"color": color, "symbol": symbol, "size": 8, "opacity": 0.75, "line": _OUTLINE},
            hovertext=[lines(spot.hover) for spot in chosen],
            hoverinfo="text",
            customdata=[spot.query for spot in chosen],
        )
    east = [spot.east_m for spot in spots]
    north = [spot.north_m for spot in spots]
    side = max(max(east) - min(east), max(north) - min(north), 20.0)
    left, right = min(east) - side * 0.1, max(east) + side * 0.1
    bottom, top = min(north) - side * 0.2, max(north) + side * 0.1
    drawn.update_layout(
        showlegend=True,
        legend=LEGEND,
        xaxis=axis(showgrid=False, showticklabels=False, range=[left, right]),
        yaxis=axis(showgrid=False, showticklabels=False, range=[bottom, top], scaleanchor="x"),
        shapes=[_bar(left, bottom, side)],
        annotations=[_bar_name(left, bottom, side), _north()],
    )
    return plain(drawn)


def scale_bar_m(side_m: float) -> float:
    """A round length, 1, 2 or 5 times a power of ten, of at most a quarter of the side."""
    most = side_m * _SCALE_SHARE
    power: float = 10.0 ** floor(log10(most))
    return power * max(step for step in (1, 2, 5) if step * power <= most)


def _bar(left: float, bottom: float, side: float) -> dict[str, Any]:
    y = bottom + side * 0.05
    x = left + side * 0.04
    return {"type": "line", "x0": x, "x1": x + scale_bar_m(side), "y0": y, "y1": y, "line": {"color": TEXT, "width": 3}}


def _bar_name(left: float, bottom: float, side: float) -> dict[str, Any]:
    length = scale_bar_m(side)
    text = f"{length / 1000:g} km" if length >= 1000 else f"{length:g} m"
    return {
        "x": left + side * 0.04,
        "y": bottom + side * 0.06,
        "text": text,
        "showarrow": False,
        "xanchor": "left",
        "yanchor": "bottom",
        "font": {"size": 11, "color": TEXT},
    }


def _north() -> dict[str, Any]:
    return {
        "x": 1,
        "y": 1,
        "xref": "paper",
        "yref": "paper",
        "text": "▲<br>N",
        "showarrow": False,
        "xanchor": "right",
        "yanchor": "top",
        "font": {"size": 13, "color": TEXT},
    }


@dataclass(frozen=True)
class FunnelLine:
    """Limits at `n` images."""

    n: int
    low_95: float
    high_95: float
    low_998: float
    high_998: float


def funnel(
    marks: Sequence[Mark], limits: Sequence[FunnelLine], *, names: Sequence[str], mean: float, highest: float
) -> dict[str, Any]:
    """Rates of sources over how many images they have; those outside the outer lines differ by more than chance.

    `highest`: where the axis of rates ends.
    """
    drawn = figure(height=360, margin={"l": 58, "r": 12, "t": 34, "b": 44})
    ns = [limit.n for limit in limits]
    for name, lows, highs, dash in (
        ("95%", [one.low_95 for one in limits], [one.high_95 for one in limits], "dot"),
        ("99.8%", [one.low_998 for one in limits], [one.high_998 for one in limits], "dash"),
    ):
        line = {"color": MUTED, "width": 1.25, "dash": dash}
        drawn.add_scatter(x=ns, y=lows, mode="lines", line=line, hoverinfo="skip", showlegend=False)
        drawn.add_scatter(x=ns, y=highs, mode="lines", line=line, hoverinfo="skip", name=f"{name} limits")
    drawn.add_hline(y=mean, line={"color": REFERENCE, "width": 1.5, "dash": "dot"})
    most = ns[-1] * 1.03
    spots = [(mark.x / most, (mark.y or 0.0) / highest) for mark in marks]
    outer_first = sorted(range(len(marks)), key=lambda place: not marks[place].is_out)
    drawn.add_scatter(
        x=[mark.x for mark in marks],
        y=[mark.y for mark in marks],
        mode="markers+text",
        text=point_names(spots, names, order=outer_first),
        textposition=[side_of(spot) for spot in spots],
        textfont={"size": 11, "color": TEXT},
        marker={
            "color": [RATE if mark.is_out else REFERENCE for mark in marks],
            "symbol": ["diamond" if mark.is_out else "circle" for mark in marks],
            "size": [12 if mark.is_out else 9 for mark in marks],
            "line": _OUTLINE,
        },
        cliponaxis=False,
        showlegend=False,
        hovertext=[lines(mark.hover) for mark in marks],
        hoverinfo="text",
        customdata=[mark.query for mark in marks],
    )
    drawn.update_layout(
        showlegend=True,
        legend=LEGEND,
        xaxis=axis(title=title("Images inspected"), tickformat=",~s", range=[0, most], nticks=6),
        yaxis=axis(tickformat=",.1~%", range=[0, highest], nticks=5),
    )
    return plain(drawn)


@dataclass(frozen=True)
class Slope:
    """A straight line from one day to another; `low` and `high` are the ends its interval allows at the last day."""

    xs: tuple[str, str]
    ys: tuple[float, float]
    lows: tuple[float, float]
    highs: tuple[float, float]


def growth(
    marks: Sequence[Mark], slope: Slope | None, *, limit: float | None, color: str, tickformat: str = PERCENT
) -> dict[str, Any]:
    """An area over time, the line through it, what its interval allows, and the limit."""
    drawn = figure(height=300, margin={"l": 58, "r": 12, "t": 34, "b": 36})
    if slope is not None:
        for ends in (slope.lows, slope.highs):
            drawn.add_scatter(
                x=list(slope.xs),
                y=list(ends),
                mode="lines",
                line={"color": MUTED, "width": 1, "dash": "dot"},
                hoverinfo="skip",
                name="95% interval",
                showlegend=ends is slope.lows,
            )
        drawn.add_scatter(
            x=list(slope.xs),
            y=list(slope.ys),
            mode="lines",
            line={"color": TEXT, "width": 1.5},
            hoverinfo="skip",
            name="Growth",
        )
    drawn.add_scatter(
        x=[mark.x for mark in marks],
        y=[mark.y for mark in marks],
        mode="markers",
        marker={"color": color, "size": 7, "line": {"color": MUTED, "width": 0.5}},
        cliponaxis=False,
        showlegend=False,
        hovertext=[lines(mark.hover) for mark in marks],
        hoverinfo="text",
        customdata=[mark.query for mark in marks],
    )
    if limit is not None:
        drawn.add_hline(y=limit, line={"color": RATE, "width": 1.5, "dash": "dash"})
    drawn.update_layout(
        showlegend=slope is not None,
        legend=LEGEND,
        xaxis=axis(type="date", showgrid=False, tickangle=0, tickformatstops=DATE_FORMATS),
        yaxis=axis(tickformat=tickformat, automargin=True, rangemode="tozero", nticks=5),
    )
    return plain(drawn)
