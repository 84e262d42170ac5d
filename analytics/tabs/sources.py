"""The page of sources: which differ by more than chance, how each moved, side by side."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from analytics import figures, tab_figures
from analytics import tab_figures_places as place_figures
from analytics.dashboard import Rate
from analytics.figures import Point
from analytics.panels import Panel, rate_cells, rate_text
from analytics.scope import Scope
from analytics.snapshot import snapshot
from analytics.statistics import MIN_IMAGES_COUNT, compare
from analytics.tab_figures import Mark
from analytics.tab_figures_places import FunnelLine
from analytics.tabs import sources_queries as queries
from analytics.tabs.funnel import funnel_limits, overdispersion
from analytics.tabs.page import (
    SOURCELESS,
    Multiples,
    Small,
    TabPage,
    Unit,
    begin,
    listed,
    source_change,
    step_name,
    step_query,
    table,
    unit_of,
    with_hollow,
)
from analytics.tabs.sources_queries import SourceArea, SourceCounts, SourceDay
from analytics.wording import count, counted, percent, percent_range, points, points_range

MOST_SMALL = 12
_MOST_DOTS = 20
_FUNNEL_STEPS = 40


@dataclass(frozen=True)
class Sources:
    """`before` is the same for what the scope is compared with; empty where there is nothing to compare with."""

    scope: Scope
    rows: tuple[SourceCounts, ...]
    before: tuple[SourceCounts, ...]
    areas: tuple[SourceArea, ...]
    days: tuple[SourceDay, ...]

    @property
    def overall(self) -> Rate:
        return Rate.of(sum(row.defective_count for row in self.rows), sum(row.inspected_count for row in self.rows))


def read_sources(cursor: Any, scope: Scope) -> Sources:
    """Every number of the page, all of one moment."""
    with snapshot(cursor):
        rows = queries.by_source(cursor, scope)
        compared = scope.compared()
        largest = sorted(rows, key=lambda row: -row.inspected_count)[:MOST_SMALL]
        return Sources(
            scope=scope,
            rows=rows,
            before=queries.by_source(cursor, compared) if rows and compared else (),
            areas=queries.areas(cursor, scope) if rows else (),
            days=queries.by_day(cursor, scope, [source_change(row.source_id) for row in largest]) if rows else (),
        )


def sources_page(cursor: Any, scope: Scope) -> TabPage:
    """The page of a scope; without panels where nothing was inspected."""
    sources = read_sources(cursor, scope)
    if not sources.rows:
        return TabPage(0)
    note: tuple[str, ...] = ()
    if len(sources.rows) == 1:
        note = ("All these images are of one source. Give others theirs at upload to compare them.",)
    return TabPage(
        inspected_count=sources.overall.n,
        panels=(_rates(sources), _funnel(sources), _multiples(sources), _table(sources)),
        notes=note,
    )


def _name(row: SourceCounts) -> str:
    return row.name or SOURCELESS


def _rate(row: SourceCounts) -> Rate:
    return Rate.of(row.defective_count, row.inspected_count)


def _query(scope: Scope, row: SourceCounts) -> str:
    return scope.images_query(defective=row.defective_count > 0, source_id=source_change(row.source_id))


def _hover(name: str, rate: Rate) -> str:
    return f"{name}\n{rate_text(rate)}\n{count(rate.count)} of {counted(rate.n, 'image')}"


def _of_images(rate: Rate) -> str:
    words = f"{percent(rate.fraction or 0.0)} of {counted(rate.n, 'image')}"
    return f"{words}\n95% interval {percent_range(rate.interval)}"


def _rates(sources: Sources) -> Panel:
    """The surest high rates first, so that one bad image of two leads no list."""
    ranked = sorted(sources.rows, key=lambda row: -_rate(row).interval.low)
    dots = [
        Point(
            x=_name(row),
            fraction=_rate(row).fraction or 0.0,
            low=_rate(row).interval.low,
            high=_rate(row).interval.high,
            n=row.inspected_count,
            hover=_hover(_name(row), _rate(row)),
            query=_query(sources.scope, row),
            all_query=sources.scope.images_query(defective=False, source_id=source_change(row.source_id)),
            is_too_few=_rate(row).is_too_few,
        )
        for row in ranked[:_MOST_DOTS]
    ]
    words = f"With 95% intervals; the dotted line is the rate over all. Hollow: fewer than {MIN_IMAGES_COUNT} images."
    if len(ranked) > len(dots):
        words = f"The {len(dots)} highest of {len(ranked)}; the table has all. {words}"
    return Panel(
        key="sources-rate",
        title=f"{_subject(sources.scope)} by source",
        sentence=words,
        figure=figures.dots(dots, overall=sources.overall.fraction or 0.0),
        columns=("Source", "Images", _counted_as(sources.scope), _rate_name(sources.scope), "95% interval"),
        rows=table([((_name(row), *rate_cells(_rate(row))), _query(sources.scope, row)) for row in ranked]),
    )


def _funnel(sources: Sources) -> Panel:
    mean, rows = sources.overall.fraction or 0.0, sources.rows
    phi = overdispersion([row.defective_count for row in rows], [row.inspected_count for row in rows])
    names, marks, cells, outside = [], [], [], []
    for row in sorted(rows, key=lambda one: -one.inspected_count):
        limits = funnel_limits(row.inspected_count, mean, 0.998, phi)
        rate = _rate(row).fraction or 0.0
        is_out = not limits.low <= rate <= limits.high
        side = "above" if rate > limits.high else "below" if rate < limits.low else "within"
        if is_out:
            outside.append(f"{_name(row)} ({side})")
        names.append(_name(row))
        hover = f"{_hover(_name(row), _rate(row))}\nBy chance {percent(limits.low)} to {percent(limits.high)} (99.8%)"
        marks.append(Mark(row.inspected_count, rate, hover, _query(sources.scope, row), is_out=is_out))
        ends = f"{percent(limits.low)} to {percent(limits.high)}"
        cells.append(((_name(row), count(row.inspected_count), percent(rate), ends, side), _query(sources.scope, row)))
    words = "No source differs by more than chance would have it."
    if outside:
        words = f"Outside the outer limits: {listed(outside)}."
    if phi > 1:
        words = f"{words} Sources scatter {phi**0.5:.1f} times as widely as chance alone: limits are widened."
    return Panel(
        key="sources-funnel",
        title="Which sources differ by more than chance",
        sentence=f"{words} Small sources stray further by chance; inside the limits a ranking means nothing.",
        figure=place_figures.funnel(
            marks, _funnel_lines(rows, mean, phi), names=names, mean=mean, highest=_funnel_top(rows, mean, phi)
        ),
        columns=("Source", "Images", _rate_name(sources.scope), "99.8% limits", "Place"),
        rows=table(cells),
    )


def _funnel_lines(rows: Sequence[SourceCounts], mean: float, phi: float) -> list[FunnelLine]:
    largest = max(row.inspected_count for row in rows) * 1.05
    ns = sorted({max(1, round(largest * (step / _FUNNEL_STEPS) ** 2)) for step in range(1, _FUNNEL_STEPS + 1)})
    lines = []
    for n in ns:
        inner, outer = funnel_limits(n, mean, 0.95, phi), funnel_limits(n, mean, 0.998, phi)
        lines.append(FunnelLine(n, inner.low, inner.high, outer.low, outer.high))
    return lines


def _funnel_top(rows: Sequence[SourceCounts], mean: float, phi: float) -> float:
    """A rate that leaves room for every source and, where there are images enough, for its limits."""
    ns = [row.inspected_count for row in rows]
    smallest = min((n for n in ns if n >= MIN_IMAGES_COUNT), default=max(ns))
    limit = funnel_limits(smallest, mean, 0.998, phi).high
    return min(1.02, 1.2 * max(0.01, limit, *(_rate(row).fraction or 0.0 for row in rows)))


def _multiples(sources: Sources) -> Multiples:
    """The largest sources over time on the same axes."""
    first, last = min(row.day for row in sources.days), max(row.day for row in sources.days)
    unit = unit_of(first, last, sources.scope)
    steps = _rates_by_step(sources.days, unit)
    half = timedelta(days=7 if unit == "week" else 1) / 2
    reach = [datetime.combine(begin(day, unit), time()) for day in (first, last)]
    # What few images make of a rate would press all the others flat.
    every = [rate for rates in steps.values() for rate in rates.values()]
    sure = [rate.fraction or 0.0 for rate in every if not rate.is_too_few] or [rate.fraction or 0.0 for rate in every]
    overall = sources.overall.fraction or 0.0
    highest = min(1.02, 1.15 * max([*sure, 1.5 * overall, 0.01]))
    shown, cells, drawn = [], [], list[Mark]()
    for row in sorted(sources.rows, key=lambda one: -one.inspected_count)[:MOST_SMALL]:
        source_id, marks = source_change(row.source_id), list[Mark]()
        for start, rate in sorted(steps[source_id].items()):
            query = step_query(sources.scope, start, unit, defective=rate.count > 0, source_id=source_id)
            name = step_name(start, unit, sources.scope)
            hover = _hover(f"{_name(row)}, {name}", rate)
            marks.append(Mark(start.isoformat(), rate.fraction, hover, query, is_too_few=rate.is_too_few))
            cells.append(((_name(row), name, *rate_cells(rate)), query))
        drawn += marks
        figure = tab_figures.small(marks, mean=overall, highest=highest, first=reach[0] - half, last=reach[1] + half)
        shown.append(Small(_name(row), _of_images(_rate(row)), figure, _query(sources.scope, row)))
    few = "Each source"
    if len(sources.rows) > MOST_SMALL:
        few = f"The {MOST_SMALL} largest of {len(sources.rows)} sources"
    return Multiples(
        key="sources-multiples",
        title=f"Each source by {unit}",
        sentence=with_hollow(f"{few} on the same scale; the dotted line is the rate over all.", drawn),
        figure=None,
        columns=(
            "Source",
            unit.capitalize(),
            "Images",
            _counted_as(sources.scope),
            _rate_name(sources.scope),
            "95% interval",
        ),
        rows=table(cells),
        is_wide=True,
        figures=tuple(shown),
    )


def _rates_by_step(days: Sequence[SourceDay], unit: Unit) -> dict[int, dict[date, Rate]]:
    """Source → first day of a step → its rate."""
    sums: dict[tuple[int, date], tuple[int, int]] = defaultdict(lambda: (0, 0))
    for one in days:
        key = source_change(one.source_id), begin(one.day, unit)
        sums[key] = sums[key][0] + one.defective_count, sums[key][1] + one.inspected_count
    steps: dict[int, dict[date, Rate]] = defaultdict(dict)
    for (source_id, start), (defective_count, n) in sums.items():
        steps[source_id][start] = Rate.of(defective_count, n)
    return steps


def _table(sources: Sources) -> Panel:
    before = {row.source_id: row for row in sources.before}
    areas = {row.source_id: row for row in sources.areas}
    rows = []
    for row in sources.rows:
        area = areas.get(row.source_id, SourceArea(row.source_id, 0, 0))
        share = percent(area.pixels / row.pixels) if row.pixels else "–"
        change = _change(row, before.get(row.source_id))
        per_image = f"{area.region_count / row.inspected_count:.2f}"
        rows.append(((_name(row), *rate_cells(_rate(row)), change, share, per_image), _query(sources.scope, row)))
    words = "Change against what the filters compare with, in points with its 95% interval."
    if sources.scope.compared() is None:
        words = "Choose a period, or something to compare with, to see how each source changed."
    return Panel(
        key="sources-table",
        title="Sources side by side",
        sentence=f"{words} Area and regions are those of {'the label' if sources.scope.label_id else 'all defects'}.",
        figure=None,
        columns=(
            "Source",
            "Images",
            _counted_as(sources.scope),
            _rate_name(sources.scope),
            "95% interval",
            "Change",
            "Share of area",
            "Regions per image",
        ),
        rows=table(rows),
        is_wide=True,
    )


def _change(row: SourceCounts, before: SourceCounts | None) -> str:
    if before is None:
        return "–"
    if min(row.inspected_count, before.inspected_count) < MIN_IMAGES_COUNT:
        return "too few to say"
    found = compare(row.defective_count, row.inspected_count, before.defective_count, before.inspected_count)
    return f"{points(found.difference)} ({points_range(found.interval)})"


def _subject(scope: Scope) -> str:
    return "Images with the label" if scope.label_id else "Defect rate"


def _rate_name(scope: Scope) -> str:
    return "Share of images" if scope.label_id else "Defect rate"


def _counted_as(scope: Scope) -> str:
    return "Affected" if scope.label_id else "Defective"
