"""What the lines of docs/ledger.md about the dashboard's further pages must give."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from analytics.scope import Scope
from analytics.tabs.area import read_area
from analytics.tabs.drift import read_drift
from analytics.tabs.people import read_people
from analytics.tabs.place import cells
from analytics.tabs.sources import read_sources
from tests.inspections import executed

Rows = list[tuple[Any, ...]]


def _area_by_day(scope: Scope) -> Rows:
    found = executed(read_area, scope).found
    return sorted((row.day, row.pixels) for row in found if row.is_by_day and row.label_id == scope.label_id)


def _showing(scope: Scope) -> Rows:
    rows = executed(read_area, scope).spread
    return [(sum(sum(row.counts[1:]) for row in rows), sum(sum(row.counts) for row in rows))]


def _places(scope: Scope) -> Rows:
    counts = executed(cells, scope, [scope.label_id])
    return [(cell, n) for cell, n in enumerate(counts) if n]


def _source_areas(scope: Scope) -> Rows:
    rows = [(row.source_id, row.pixels, row.region_count) for row in executed(read_sources, scope).areas]
    return sorted(rows, key=lambda row: row[0] or 2**63)


def _looks(scope: Scope) -> Rows:
    days = executed(read_drift, scope).days
    return [(row.day, row.confidence.mean / 10_000, row.brightness.mean / 10_000) for row in days]


def _versions(scope: Scope) -> Rows:
    return [(row.number, row.inspected_count, row.fail_count) for row in executed(read_people, scope).versions]


OF_TABS: dict[str, Callable[[Scope], Rows]] = {
    "area of a label by day": _area_by_day,
    "images that show a label, of all": _showing,
    "regions of a label by place": _places,
    "area and regions of a label by source": _source_areas,
    "looks by day": _looks,
    "verdicts of every version": _versions,
}
"""Each for a scope of days and one label."""
