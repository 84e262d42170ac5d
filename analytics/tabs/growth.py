"""The growth page: how fast a defect grows on each asset, and when it crosses a limit."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from itertools import groupby
from typing import Any

from analytics import tab_figures_places as figures
from analytics.panels import Link, Panel
from analytics.scope import Scope, ScopeError
from analytics.snapshot import snapshot
from analytics.statistics.growth import Growth, fit_growth
from analytics.tab_figures import PERCENT, Mark
from analytics.tab_figures_places import Slope
from analytics.tabs import growth_queries as queries
from analytics.tabs.growth_queries import AssetDay
from analytics.tabs.page import (
    ProjectLabel,
    TabPage,
    Unit,
    begin,
    first_upper,
    project_labels,
    step_name,
    step_query,
    table,
    unit_of,
)
from analytics.wording import count, day, percent

MOST_ASSETS = 12
_LIMIT = re.compile(r"([0-9]{1,9}(?:[.,][0-9]{1,6})?)\s*(%|mm2|mm²|mm\^2)?", re.IGNORECASE)
_MONTH_DAYS = 30


@dataclass(frozen=True)
class Limit:
    """A share of the picture, 0–1, or square millimetres per image."""

    value: float
    is_mm2: bool

    def __str__(self) -> str:
        return f"{self.value:,g} mm²" if self.is_mm2 else f"{self.value * 100:g}%"


@dataclass(frozen=True)
class Step:
    """An asset's pictures of a day or a week: the label's mean share of them and its mean area."""

    start: date
    fraction: float
    mm2: float | None
    inspected_count: int
    affected_count: int


@dataclass(frozen=True)
class Asset:
    """`line` is fitted to shares, or to areas where the limit is one; None where there are too few steps."""

    source_id: int
    name: str
    unit: Unit
    steps: tuple[Step, ...]
    line: Growth | None
    is_mm2: bool

    def value(self, step: Step) -> float:
        return (step.mm2 or 0.0) if self.is_mm2 else step.fraction

    def told(self, value: float) -> str:
        if self.is_mm2:
            return f"{value:,.1f} mm²"
        return percent(value) if value >= 0 else f"−{percent(-value)}"


def read_limit(text: str) -> Limit | None:
    """A limit as people type it: "2", "2 %", "150 mm²"; None for nothing. ScopeError for anything else."""
    if not text.strip():
        return None
    match = _LIMIT.fullmatch(text.strip())
    value = float(match[1].replace(",", ".")) if match else 0.0
    is_mm2 = bool(match and match[2] and match[2] != "%")
    if not match or value <= 0 or (not is_mm2 and value > 100):
        raise ScopeError(
            {"limit": f"Expected a share of the picture like 2%, or an area like 150 mm², got “{text[:40]}”."}
        )
    return Limit(value if is_mm2 else value / 100, is_mm2)


def growth_page(cursor: Any, scope: Scope, limit: Limit | None) -> TabPage:
    """The page of a scope; without panels where nothing was inspected or no source is an asset."""
    with snapshot(cursor):
        n = queries.inspected_count(cursor, scope)
        label_id = scope.label_id or (queries.largest_label(cursor, scope) if n else None)
        label = next((one for one in project_labels(cursor, scope.project_id) if one.id == label_id), None)
        days = queries.asset_days(cursor, scope, label.id) if label and n else ()
    if label is None or not days:
        words = (
            "Growth is followed on sources of the kind “asset”: a blade, a bridge, a tank that is photographed again "
            "and again. No picture here is of one. Set the kind of a source first."
        )
        link = Link("project-settings", "Settings → Sources", "sources")
        return TabPage(n, notes=(words,), link=link) if n else TabPage(0)
    assets = [_asset(list(rows), scope, limit) for _, rows in groupby(days, key=lambda row: row.source_id)]
    assets.sort(key=lambda asset: -(asset.line.slope if asset.line else -1.0))
    narrowed = replace(scope, label_id=label.id)
    return TabPage(n, (_overview(assets, label, limit, narrowed), *_asset_panels(assets, label, limit, narrowed)))


def _asset(rows: list[AssetDay], scope: Scope, limit: Limit | None) -> Asset:
    """An asset's steps and the line through them."""
    unit = unit_of(rows[0].day, rows[-1].day, scope)
    sums: dict[date, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for row in rows:
        amounts = (row.inspected_count, row.whole_pixels, row.label_pixels, row.affected_count)
        start = begin(row.day, unit)
        sums[start] = [one + two for one, two in zip(sums[start], amounts, strict=True)]
    scale = rows[0].mm_per_pixel
    steps = tuple(
        Step(start, marked / whole, marked / n * scale**2 if scale else None, n, affected)
        for start, (n, whole, marked, affected) in sorted(sums.items())
    )
    is_mm2 = bool(limit and limit.is_mm2 and scale)
    values = [(step.mm2 or 0.0) if is_mm2 else step.fraction for step in steps]
    line = fit_growth([_noon(step.start) for step in steps], values)
    return Asset(rows[0].source_id, rows[0].name, unit, steps, line, is_mm2)


def _noon(when: date) -> datetime:
    return datetime.combine(when, time(12), tzinfo=UTC)


def _overview(assets: list[Asset], label: ProjectLabel, limit: Limit | None, scope: Scope) -> Panel:
    cells = []
    for asset in assets:
        newest = asset.told(asset.value(asset.steps[-1]))
        query = scope.images_query(
            defective=any(step.affected_count for step in asset.steps), source_id=asset.source_id
        )
        speed, ends = _speed(asset)
        cells.append(((asset.name, count(len(asset.steps)), newest, speed, ends, _crosses(asset, limit)), query))
    words = f"How fast {label.name} grows on each asset, the fastest first."
    if limit is None:
        words = f"{words} Give a limit above to see when each asset crosses it."
    if len(assets) > MOST_ASSETS:
        words = f"{words} The {MOST_ASSETS} fastest are drawn."
    return Panel(
        key="growth",
        title=f"Growth of {label.name}",
        sentence=words,
        figure=None,
        columns=("Asset", "Steps", "Newest", f"Growth in {_MONTH_DAYS} days", "95% interval", "Crosses the limit"),
        rows=table(cells),
        is_wide=True,
    )


def _speed(asset: Asset) -> tuple[str, str]:
    if asset.line is None:
        return "cannot be told", "–"
    month = [part * _MONTH_DAYS for part in (asset.line.slope, asset.line.low, asset.line.high)]
    told = [f"+{asset.told(part)}" if part > 0 else asset.told(part) for part in month]
    return told[0], f"{told[1]} to {told[2]}"


def _crosses(asset: Asset, limit: Limit | None) -> str:
    """When the limit is crossed, in words; or why that cannot be told."""
    if limit is None:
        return "no limit given"
    if limit.is_mm2 and not asset.is_mm2:
        return "not calibrated: give its source the millimetres per pixel"
    if asset.line is None:
        return f"cannot be told: {len(asset.steps)} {asset.unit}s with pictures, at least 6 are needed"
    last = _noon(asset.steps[-1].start)
    if asset.line.at(last) >= limit.value:
        return "has crossed it"
    if not asset.line.is_clear:
        return "cannot be told: it may not be growing at all"
    crossing = asset.line.crossing(limit.value)
    if crossing is None or crossing.at < last:
        return "does not grow towards it"
    latest = f"and {day(crossing.latest.date())}" if crossing.latest else "and an unknown day"
    return f"about {day(crossing.at.date())}, between {day(crossing.earliest.date())} {latest}"


def _asset_panels(assets: list[Asset], label: ProjectLabel, limit: Limit | None, scope: Scope) -> list[Panel]:
    panels = []
    for asset in assets[:MOST_ASSETS]:
        marks, cells = [], []
        for step in asset.steps:
            name = step_name(step.start, asset.unit, scope)
            query = step_query(
                scope, step.start, asset.unit, defective=step.affected_count > 0, source_id=asset.source_id
            )
            told = asset.told(asset.value(step))
            marks.append(Mark(step.start.isoformat(), asset.value(step), f"{name}\n{told}", query))
            mm2 = "–" if step.mm2 is None else f"{step.mm2:,.1f}"
            cells.append(((name, count(step.inspected_count), percent(step.fraction), mm2), query))
        fits = limit is not None and limit.is_mm2 == asset.is_mm2
        panels.append(
            Panel(
                key=f"growth-{asset.source_id}",
                title=asset.name,
                sentence=_sentence(asset, label, limit),
                figure=figures.growth(
                    marks,
                    _slope(asset),
                    limit=limit.value if limit and fits else None,
                    color=label.color,
                    tickformat=",.3~g" if asset.is_mm2 else PERCENT,
                ),
                columns=(asset.unit.capitalize(), "Images", "Share of the picture", "mm² per image"),
                rows=table(cells),
            )
        )
    return panels


def _sentence(asset: Asset, label: ProjectLabel, limit: Limit | None) -> str:
    if asset.line is None:
        words = f"{len(asset.steps)} {asset.unit}s with pictures: too few to tell growth, at least 6 are needed."
    elif not asset.line.is_clear:
        speed, ends = _speed(asset)
        words = f"No clear growth of {label.name}: {speed} in {_MONTH_DAYS} days, it may be {ends}."
    else:
        verb = "grows" if asset.line.slope > 0 else "shrinks"
        speed, ends = _speed(asset)
        words = f"{first_upper(label.name)} {verb}: {speed} in {_MONTH_DAYS} days (95% interval {ends})."
    return f"{words} The limit of {limit}: {_crosses(asset, limit)}." if limit else words


def _slope(asset: Asset) -> Slope | None:
    """The line and what its slope's interval allows, pivoted at the middle."""
    line = asset.line
    if line is None:
        return None
    ends = (_noon(asset.steps[0].start), _noon(asset.steps[-1].start))
    days = [(end - line.middle_at).total_seconds() / 86_400 for end in ends]

    def through(slope: float) -> tuple[float, float]:
        return line.level + slope * days[0], line.level + slope * days[1]

    names = (asset.steps[0].start.isoformat(), asset.steps[-1].start.isoformat())
    return Slope(names, through(line.slope), through(line.low), through(line.high))
