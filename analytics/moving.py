"""Why the defect rate moved: two scopes taken apart and set against each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from analytics.movement_queries import Breakdown, breakdown
from analytics.queries import LabelRow, SummaryRow
from analytics.scope import Scope
from analytics.statistics import MIN_IMAGES_COUNT
from analytics.statistics.movement import Movement, Tally, explain_change


@dataclass(frozen=True)
class Moves:
    """`where`: by source, model version, batch and hour of day; `what`: by defect label, None with one in the scope.

    `left_out`: dimensions that were too many images or too long a time to look at.
    """

    where: Movement
    what: Movement | None
    left_out: tuple[str, ...]


@dataclass(frozen=True)
class Side:
    """One of the two scopes, with what is known of it."""

    scope: Scope
    summary: SummaryRow
    labels: Sequence[LabelRow]

    @property
    def tally(self) -> Tally:
        return Tally(self.summary.defective_count, self.summary.inspected_count)

    @property
    def length(self) -> timedelta:
        first, last = self.summary.first_at, self.summary.last_at
        return last - first if first and last else timedelta(0)


def moves(cursor: Any, now: Side, before: Side) -> Moves | None:
    """What moved the rate from `before` to `now`; None where either has too few images to say."""
    if min(now.tally.n, before.tally.n) < MIN_IMAGES_COUNT:
        return None
    parts = [breakdown(cursor, side.scope, inspected_count=side.tally.n, length=side.length) for side in (before, now)]
    apart = _set_apart(now.scope, before.scope)
    known = [name for name in ("source", "model", "batch", "hour") if name not in apart]
    shared = [name for name in known if all(name in part for part in parts)]
    dimensions = {name: _pairs(parts[0], parts[1], name) for name in shared}
    what = None
    if now.scope.label_id is None:
        what = explain_change(before.tally, now.tally, {"label": _label_pairs(before, now)})
    left_out = tuple(name for name in known if name not in shared)
    return Moves(explain_change(before.tally, now.tally, dimensions), what, left_out)


def _set_apart(now: Scope, before: Scope) -> set[str]:
    """Where one source is compared with another, it does not explain the difference that it is the other."""
    fields = {"source": "source_id", "model": "model_version_id", "batch": "batch_id"}
    return {name for name, field in fields.items() if getattr(now, field) != getattr(before, field)}


def _pairs(before: Breakdown, now: Breakdown, name: str) -> dict[str, tuple[Tally, Tally]]:
    values = sorted({*before[name], *now[name]})
    return {value: (before[name].get(value, Tally(0, 0)), now[name].get(value, Tally(0, 0))) for value in values}


def _label_pairs(before: Side, now: Side) -> dict[str, tuple[Tally, Tally]]:
    """Images that a defect label affects are failed ones; those that people passed all the same are left aside."""
    old = {label.label_id: label.affected_count for label in before.labels}
    return {
        label.name: (_failed(before, old.get(label.label_id, 0)), _failed(now, label.affected_count))
        for label in now.labels
        if label.is_defect
    }


def _failed(side: Side, affected_count: int) -> Tally:
    count = min(affected_count, side.tally.count)
    return Tally(count, count)
