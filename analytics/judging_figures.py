"""Figures of how good a model version is: confusion, reliability, regions, threshold sweep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log10
from typing import Any

from analytics.theme import GRID, MUTED, QUIET, RATE, REFERENCE, SURFACE, TEXT, axis, figure, lines, plain, short, title

_GOOD = "var(--good)"
_WRITTEN_UP_TO = 12
_HEAT = [[0, "rgba(11, 98, 214, 0.03)"], [0.5, "rgba(11, 98, 214, 0.38)"], [1, "rgba(11, 98, 214, 0.85)"]]
_LEGEND = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"size": 11, "color": MUTED}}


@dataclass(frozen=True)
class SweepStep:
    """What one threshold of a label does, in counts of images."""

    min_region_px: int
    missed: int
    rejected: int


@dataclass(frozen=True)
class Reliability:
    """Pixels of about one confidence 0–1, and the share 0–1 of them that is right."""

    confidence: float
    accuracy: float
    pixels: int


@dataclass(frozen=True)
class Quality:
    """One model version as a point: mean IoU 0–1 against what a thousand images take."""

    name: str
    iou: float
    seconds: float
    is_live: bool
    hover: str


def confusion(
    names: Sequence[str], shares: Sequence[Sequence[float | None]], hovers: Sequence[Sequence[str]]
) -> dict[str, Any]:
    """Rows are the truth, columns what the model says; `shares` 0–1 of each row's pixels, None for an empty row."""
    labels = [short(name) for name in names]
    places = list(range(len(names)))
    written = len(names) <= _WRITTEN_UP_TO
    side = max(260, 64 + 34 * len(names))
    drawn = figure(height=side, margin={"l": 8, "r": 8, "t": 8, "b": 8})
    drawn.add_heatmap(
        z=[list(row) for row in shares],
        x=places,
        y=places,
        zmin=0,
        zmax=1,
        colorscale=_HEAT,
        showscale=False,
        xgap=2,
        ygap=2,
        hovertext=[[lines(text) for text in row] for row in hovers],
        hoverinfo="text",
        hoverongaps=False,
    )
    if written:
        drawn.update_layout(annotations=_cells(shares))
    drawn.update_layout(
        xaxis=axis(showgrid=False, automargin=True, tickvals=places, ticktext=labels, title=title("The model says")),
        yaxis=axis(
            showgrid=False,
            automargin=True,
            tickvals=places,
            ticktext=labels,
            range=[len(names) - 0.5, -0.5],
            title=title("Truth"),
        ),
    )
    return plain(drawn)


def reliability(before: Sequence[Reliability], after: Sequence[Reliability]) -> dict[str, Any]:
    """How often the model is right at each confidence; on the diagonal confidence keeps its word."""
    drawn = figure(height=300, margin={"l": 52, "r": 12, "t": 28, "b": 44})
    drawn.add_scatter(
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        line={"color": MUTED, "width": 1, "dash": "dot"},
        hoverinfo="skip",
        showlegend=False,
    )
    for name, bins, color, dash in (("Before", before, QUIET, "dash"), ("Calibrated", after, REFERENCE, "solid")):
        if bins:
            drawn.add_scatter(
                x=[one.confidence for one in bins],
                y=[one.accuracy for one in bins],
                name=name,
                mode="lines+markers",
                line={"color": color, "width": 2, "dash": dash},
                marker={"color": color, "size": 7},
                hovertext=[
                    f"{name}<br>Confidence {one.confidence:.1%}, right {one.accuracy:.1%}<br>{one.pixels:,} pixels"
                    for one in bins
                ],
                hoverinfo="text",
            )
    drawn.update_layout(
        showlegend=True,
        legend=_LEGEND,
        xaxis=axis(range=[-0.02, 1.02], tickformat=",.0%", title=title("Confidence")),
        yaxis=axis(range=[-0.02, 1.05], tickformat=",.0%", title=title("Share that is right")),
    )
    return plain(drawn)


def sweep(steps: Sequence[SweepStep], *, chosen_px: int) -> dict[str, Any]:
    """Missed and rejected images over the smallest region that fails; the limit in force is marked."""
    drawn = figure(height=260, margin={"l": 44, "r": 12, "t": 28, "b": 44})
    xs = [step.min_region_px for step in steps]
    decades = max(1.0, log10(max(xs, default=1)))
    kinds = (("Missed", [step.missed for step in steps], RATE), ("Rejected", [step.rejected for step in steps], MUTED))
    for name, values, color in kinds:
        drawn.add_scatter(
            x=xs,
            y=values,
            name=name,
            mode="lines+markers",
            line={"color": color, "width": 2, "shape": "hv"},
            marker={"color": color, "size": 5},
            hovertext=[f"From {x:,} px on: {value:,} {name.lower()}" for x, value in zip(xs, values, strict=True)],
            hoverinfo="text",
        )
    top = max((max(step.missed, step.rejected) for step in steps), default=0)
    drawn.add_scatter(
        x=[chosen_px, chosen_px],
        y=[0, max(1, top)],
        name="Limit in force",
        mode="lines",
        line={"color": REFERENCE, "width": 1.5, "dash": "dot"},
        hovertext=f"Limit in force: {chosen_px:,} px",
        hoverinfo="text",
    )
    few = {"dtick": 1} if top < 6 else {"nticks": 5}
    drawn.update_layout(
        showlegend=True,
        legend=_LEGEND,
        xaxis=axis(
            type="log",
            title=title("Smallest region that fails, px"),
            dtick=1,
            tickformat=",d",
            range=[-0.08, decades + 0.08],
        ),
        yaxis=axis(rangemode="tozero", title=title("Images"), **few),
    )
    return plain(drawn)


def regions(names: Sequence[str], found: Sequence[int], missed: Sequence[int], false: Sequence[int]) -> dict[str, Any]:
    """Regions by label: those of the truth found and missed, and false ones of the model."""
    places = list(range(len(names)))
    drawn = figure(height=max(180, 76 + 44 * len(names)), margin={"l": 8, "r": 24, "t": 28, "b": 44})
    for name, values, color in (("Found", found, _GOOD), ("Missed", missed, RATE), ("False", false, QUIET)):
        drawn.add_bar(
            y=places,
            x=list(values),
            name=name,
            orientation="h",
            marker={"color": color, "line": {"width": 0}},
            hovertext=[lines(f"{label}\n{value:,} {name.lower()}") for label, value in zip(names, values, strict=True)],
            hoverinfo="text",
        )
    drawn.update_layout(
        showlegend=True,
        legend=_LEGEND | {"traceorder": "normal"},
        xaxis=axis(rangemode="tozero", nticks=5, title=title("Regions")),
        yaxis=axis(
            showgrid=False,
            automargin=True,
            tickvals=places,
            ticktext=[short(name) for name in names],
            range=[len(names) - 0.4, -0.6],
        ),
        bargap=0.35,
        bargroupgap=0.05,
    )
    return plain(drawn)


def quality(points: Sequence[Quality]) -> dict[str, Any]:
    """Versions by quality and speed; the best are at the top left."""
    drawn = figure(height=260, margin={"l": 52, "r": 16, "t": 12, "b": 44})
    drawn.add_scatter(
        x=[point.seconds for point in points],
        y=[point.iou for point in points],
        mode="markers+text",
        text=[lines(point.name) for point in points],
        textposition="top center",
        textfont={"size": 11, "color": TEXT},
        marker={
            "size": 12,
            "color": [REFERENCE if point.is_live else SURFACE for point in points],
            "line": {"color": REFERENCE, "width": 2},
        },
        cliponaxis=False,
        hovertext=[lines(point.hover) for point in points],
        hoverinfo="text",
    )
    highest = max((point.iou for point in points), default=1.0)
    drawn.update_layout(
        xaxis=axis(rangemode="tozero", nticks=6, title=title("Seconds per 1,000 images")),
        yaxis=axis(range=[0, min(1.12, highest * 1.25 + 0.05)], nticks=5, title=title("Mean IoU of the defects")),
    )
    return plain(drawn)


def importance(names: Sequence[str], shares: Sequence[float]) -> dict[str, Any]:
    """What a forest looks at, the most useful feature on top; shares 0–1."""
    places = list(range(len(names)))
    drawn = figure(height=max(180, 44 + 26 * len(names)), margin={"l": 8, "r": 48, "t": 8, "b": 32})
    drawn.add_bar(
        y=places,
        x=list(shares),
        orientation="h",
        marker={"color": REFERENCE, "line": {"color": GRID, "width": 0}},
        text=[f"{share:.1%}" for share in shares],
        textposition="outside",
        textfont={"size": 11},
        constraintext="none",
        cliponaxis=False,
        hoverinfo="skip",
    )
    drawn.update_layout(
        xaxis=axis(tickformat=",.0%", rangemode="tozero", nticks=5),
        yaxis=axis(
            showgrid=False,
            automargin=True,
            tickvals=places,
            ticktext=[lines(name) for name in names],
            range=[len(names) - 0.4, -0.6],
        ),
        bargap=0.4,
    )
    return plain(drawn)


def _cells(shares: Sequence[Sequence[float | None]]) -> list[dict[str, Any]]:
    return [
        {"x": x, "y": y, "text": _share(value), "showarrow": False, "font": {"size": 11, "color": TEXT}}
        for y, row in enumerate(shares)
        for x, value in enumerate(row)
        if value is not None
    ]


def _share(value: float) -> str:
    if value == 0:
        return ""
    return "<1%" if value < 0.01 else f"{value:.0%}"
