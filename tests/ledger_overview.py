"""What the lines of docs/ledger.md about the overview must give."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from analytics import Dashboard, image_rows
from analytics.movement_queries import Breakdown, breakdown
from analytics.source_counts import source_counts
from analytics.statistics.movement import Tally
from tests.inspections import executed

Rows = list[tuple[Any, ...]]
Told = Callable[[Dashboard], Rows]


def _by_source(shown: Dashboard) -> Rows:
    rows = ((row.source_id, row.inspected_count, row.defective_count) for row in shown.sources)
    return sorted(rows, key=lambda row: row[0] or 2**63)


def _escapes(shown: Dashboard) -> Rows:
    strata = shown.escapes.strata if shown.escapes else ()
    return [(row.source_id, row.passed_count, row.judged_count, row.escape_count) for row in strata]


def _reviewed(shown: Dashboard) -> Rows:
    rows = executed(source_counts, shown.scope)
    return sorted(
        (row.source_id, row.fail_count, row.reviewed_fail_count, row.confirmed_count) for row in rows if row.fail_count
    )


def _costs(shown: Dashboard) -> Rows:
    rows = [(row.name, (row.cost or 0.0) * row.affected_count) for row in shown.labels if row.cost is not None]
    return sorted(rows, key=lambda row: -row[1])


def _moved(shown: Dashboard) -> Rows:
    before = {row.label_id: row.affected_count for row in shown.labels_before}
    return [(row.name, row.affected_count, before[row.label_id]) for row in shown.labels]


def _broken_down(shown: Dashboard, now: bool) -> Breakdown:
    scope = shown.scope if now else shown.scope.compared()
    first, last = shown.summary.first_at, shown.summary.last_at
    assert first is not None
    assert last is not None
    found: Breakdown = executed(breakdown, scope, inspected_count=5, length=last - first)
    return found


def _part(name: str) -> Told:
    """Failed and inspected images of each value, before and now; without its name, which the ledger has as a number."""

    def told(shown: Dashboard) -> Rows:
        before, now = _broken_down(shown, now=False)[name], _broken_down(shown, now=True)[name]
        sides = [(before.get(value, Tally(0, 0)), now.get(value, Tally(0, 0))) for value in {*before, *now}]
        return sorted((old.count, old.n, new.count, new.n) for old, new in sides)

    return told


def _worst(shown: Dashboard) -> Rows:
    rows = executed(image_rows, shown.scope, verdict="fail", limit=12).items
    return [(row.image_id, row.defect_area_fraction) for row in rows]


BY_VALUE = {
    f"what moved, by {words}: defective and inspected before, now": _part(name)
    for words, name in (
        ("source", "source"),
        ("model version", "model"),
        ("batch", "batch"),
        ("hour of the day", "hour"),
    )
}
"""Of these the first column is a number of the ledger, and the order does not matter."""

FIGURES: dict[str, Told] = {
    "inspected": lambda shown: [(shown.summary.inspected_count,)],
    "defective": lambda shown: [(shown.summary.defective_count,)],
    "defect rate": lambda shown: [(shown.rate.fraction,)],
    "defect rate, interval": lambda shown: [(shown.rate.interval.low, shown.rate.interval.high)],
    "failed by the model": lambda shown: [(shown.summary.fail_count,)],
    "first pass": lambda shown: [(shown.summary.first_pass_count,)],
    "waiting for a person": lambda shown: [(shown.summary.waiting_count,)],
    "escapes: passed, judged blind, bad of these, by source": _escapes,
    "corrected rate: failed by the model, reviewed, confirmed, by source": _reviewed,
    # Of the eight labelled images the first is good and passes, the second is bad and passes, the others fail rightly.
    "corrected rate: bad, found, good, passed on labelled images": lambda shown: [(7, 6, 1, 1)],
    "images at their upload time": lambda shown: [(shown.upload_time_count,)],
    "inspected area": lambda shown: [(shown.summary.pixels,)],
    "defect area": lambda shown: [(shown.defect_pixels,)],
    "change against the period before": lambda shown: [(shown.change.difference if shown.change else None,)],
    "labels: images, area, regions": lambda shown: [
        (label.name, label.affected_count, label.pixels, label.region_count) for label in shown.labels
    ],
    "cost by label": _costs,
    "labels that moved: images now, before": _moved,
    **BY_VALUE,
    "defect rate by day": lambda shown: [
        (day.start.date(), day.inspected_count, day.defective_count) for day in shown.trend
    ],
    "sources": _by_source,
    "the worst images": _worst,
    "model versions that went live": lambda shown: [(row.at, row.number) for row in shown.promotions],
    "changes of rule, calibration and labels": lambda shown: [(row.at, row.kind, row.sentence) for row in shown.events],
    "inspected and defective, from the daily sums": lambda shown: [
        (shown.summary.inspected_count, shown.summary.defective_count)
    ],
}
"""What a line of the page must give, for the dashboard of a scope of days. A new figure has an entry here and there."""

WITH_A_LABEL: dict[str, Told] = {
    "images affected by a label": lambda shown: [(shown.summary.defective_count,)],
}
"""The same, for the dashboard of one label."""
