"""Figures of zones: where they lie over a heat map, and how often something is in each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from analytics.tab_figures import PERCENT, Mark
from analytics.tab_figures_places import HEAT
from analytics.theme import MUTED, TEXT, axis, figure, lines, plain, short

Corners = Sequence[tuple[float, float]]


def zone_map(
    counts: Sequence[Sequence[int]],
    zones: Sequence[tuple[str, Corners]],
    *,
    hovers: Sequence[Sequence[str]],
    query: str,
    aspect: float,
) -> dict[str, Any]:
    """Counts on a picture's grid, the outlines of zones above. `aspect`: the picture's height ÷ width."""
    drawn = figure(height=240, margin={"l": 8, "r": 8, "t": 8, "b": 8})
    rows, columns = len(counts), len(counts[0])
    drawn.add_heatmap(
        z=[list(row) for row in counts],
        x0=0.5 / columns,
        dx=1 / columns,
        y0=0.5 / rows,
        dy=1 / rows,
        zmin=0,
        colorscale=HEAT,
        showscale=False,
        # Without gaps Plotly stretches a small picture by an inline style, which pages forbid.
        xgap=1,
        ygap=1,
        hovertext=[[lines(text) for text in row] for row in hovers],
        hoverinfo="text",
        customdata=[[query] * columns for _ in counts],
    )
    for name, corners in zones:
        closed = [*corners, corners[0]]
        drawn.add_scatter(
            x=[x for x, _ in closed],
            y=[y for _, y in closed],
            mode="lines",
            line={"color": TEXT, "width": 2},
            hoverinfo="skip",
        )
        middle = [sum(values) / len(corners) for values in zip(*corners, strict=True)]
        drawn.add_annotation(
            x=middle[0], y=middle[1], text=short(name), showarrow=False, font={"size": 11, "color": TEXT}
        )
    frame = {"showgrid": False, "showticklabels": False, "mirror": True, "showline": True, "constrain": "domain"}
    drawn.update_layout(
        xaxis=axis(range=[0, 1], **frame),
        yaxis=axis(range=[1, 0], scaleanchor="x", scaleratio=aspect, **frame),
    )
    return plain(drawn)


def shares(names: Sequence[str], marks: Sequence[Mark], colors: Sequence[str]) -> dict[str, Any]:
    """Shares with their intervals, one below the other; the first is at the top."""
    drawn = figure(height=70 + 34 * len(names), margin={"l": 8, "r": 16, "t": 8, "b": 36})
    places = list(range(len(names)))
    for place, mark in zip(places, marks, strict=True):
        drawn.add_scatter(
            x=[mark.low, mark.high],
            y=[place, place],
            mode="lines",
            line={"color": MUTED, "width": 2},
            hoverinfo="skip",
        )
    drawn.add_scatter(
        x=[mark.y for mark in marks],
        y=places,
        mode="markers",
        marker={"color": list(colors), "size": 11, "line": {"color": MUTED, "width": 0.75}},
        cliponaxis=False,
        hovertext=[lines(mark.hover) for mark in marks],
        hoverinfo="text",
        customdata=[mark.query for mark in marks],
    )
    highest = max([mark.high or 0.0 for mark in marks], default=0.0)
    drawn.update_layout(
        xaxis=axis(tickformat=PERCENT, range=[0, min(1.0, highest * 1.05 + 0.01)], nticks=6),
        yaxis=axis(
            showgrid=False,
            automargin=True,
            tickmode="array",
            tickvals=places,
            ticktext=[short(name) for name in names],
            range=[len(names) - 0.5, -0.5],
        ),
    )
    return plain(drawn)
