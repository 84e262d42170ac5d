"""The dashboard page in its order: tiles with the numbers that matter first, then the panels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from analytics.dashboard import Change, Dashboard
from analytics.label_panels import area_panel, pareto_by_area, pareto_by_images
from analytics.panels import Panel
from analytics.rate_panels import sources_panel, trend_panel
from analytics.statistics import MIN_IMAGES_COUNT
from analytics.wording import count, counted, days, percent, percent_range, points, points_range

Tone = Literal["", "good", "bad"]


@dataclass(frozen=True)
class Tile:
    """A number and what it says. `query` finds the images behind it; None where there is nothing to open."""

    key: str
    name: str
    number: str
    notes: tuple[str, ...]
    query: str | None = None
    link: str = ""
    tone: Tone = ""


@dataclass(frozen=True)
class Page:
    tiles: tuple[Tile, ...]
    panels: tuple[Panel, ...]


def build_page(dashboard: Dashboard) -> Page:
    """What is shown of a dashboard; nothing where nothing was inspected."""
    if not dashboard.summary.inspected_count:
        return Page((), ())
    return Page(
        tiles=(
            _inspected_tile(dashboard),
            _rate_tile(dashboard),
            _change_tile(dashboard),
            _area_tile(dashboard),
        ),
        panels=(
            trend_panel(dashboard),
            pareto_by_images(dashboard),
            pareto_by_area(dashboard),
            sources_panel(dashboard),
            area_panel(dashboard),
        ),
    )


def _inspected_tile(dashboard: Dashboard) -> Tile:
    n = dashboard.summary.inspected_count
    first, last = dashboard.first_day, dashboard.last_day
    return Tile(
        key="inspected",
        name="Images inspected",
        number=count(n),
        notes=(f"Captured {days(first, last)}",) if first and last else (),
        query=dashboard.scope.images_query(defective=False),
        link=f"Open {counted(n, 'image')}",
    )


def _rate_tile(dashboard: Dashboard) -> Tile:
    rate, label = dashboard.rate, dashboard.label
    notes = [f"95% interval {percent_range(rate.interval)}", f"n = {count(rate.n)}"]
    if rate.is_too_few:
        notes.append(f"Fewer than {MIN_IMAGES_COUNT} images: too few to say")
    what = f"with {label.name}" if label else "defective"
    return Tile(
        key="rate",
        name=f"Images with {label.name}" if label else "Defect rate",
        number=percent(rate.fraction or 0.0),
        notes=tuple(notes),
        query=dashboard.scope.images_query(defective=True) if rate.count else None,
        link=f"Open {count(rate.count)} {what}",
    )


def _change_tile(dashboard: Dashboard) -> Tile:
    name = "Against the period before"
    change = dashboard.change
    if change is None:
        return Tile(
            "change",
            name,
            "–",
            ("Choose a period, for instance the last 30 days, to compare it with the one before.",),
        )
    start, end = change.scope.start, change.scope.end
    period = days(start, end) if start and end else ""
    if change.direction == "nothing before":
        return Tile("change", name, "–", (f"No images from {period}.",))
    before = f"{percent(change.before.fraction or 0.0)} of {counted(change.before.n, 'image')} from {period}"
    if change.direction == "too few":
        return Tile("change", name, "–", (f"Too few images to say. Before: {before}.",))
    return Tile(
        key="change",
        name=name,
        number=f"{points(change.difference or 0.0)} points",
        notes=(f"{_change_words(change)} Before: {before}.",),
        query=change.scope.images_query(defective=True) if change.before.count else None,
        link=f"Open {count(change.before.count)} from before",
        tone=_tone(dashboard, change),
    )


def _change_words(change: Change) -> str:
    interval = points_range(change.interval)
    if change.direction == "unclear":
        return f"No clear change: {interval} is all possible (95% interval)."
    word = "Higher" if change.direction == "up" else "Lower"
    return f"{word}, by {interval} (95% interval)."


def _tone(dashboard: Dashboard, change: Change) -> Tone:
    """More of a label that is no defect is neither good nor bad."""
    if change.direction == "unclear" or (dashboard.label and not dashboard.label.is_defect):
        return ""
    return "bad" if change.direction == "up" else "good"


def _area_tile(dashboard: Dashboard) -> Tile:
    label = dashboard.label
    return Tile(
        key="area",
        name=f"Area of {label.name}" if label else "Area of defects",
        number=percent(dashboard.defect_area_fraction or 0.0),
        notes=(f"{count(dashboard.defect_pixels)} of {count(dashboard.summary.pixels)} px inspected",),
    )
