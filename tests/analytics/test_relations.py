"""Whole months and sums over all sources stand for days and sources without a difference."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from analytics import queries, relations
from analytics.movement_queries import breakdown
from analytics.source_counts import source_counts
from analytics.tabs import area_queries, days, sources_queries
from tests.inspections import Plant, executed

LIMITS: list[dict[str, Any]] = [
    {},
    {"start": date(2026, 4, 30), "end": date(2026, 7, 3)},
    {"start": date(2026, 5, 1), "end": date(2026, 5, 31)},
    {"start": date(2026, 5, 2), "end": date(2026, 6, 30)},
    {"end": date(2026, 6, 1)},
    {"start": date(2026, 5, 15), "end": date(2026, 5, 15)},
]


@pytest.fixture
def quarter(plant: Plant) -> Plant:
    """Images around the ends of months, of two sources and of none; every second one is scratched."""
    sources = (plant.line_1, plant.line_2, None)
    for number, (month, day) in enumerate([(4, 28), (4, 30), (5, 1), (5, 15), (5, 31), (6, 1), (6, 30), (7, 3)]):
        for source in sources[: 1 + number % 3]:
            found = {"scratch": [60 + number]} if number % 2 else {}
            plant.image(found, source=source, captured_at=datetime(2026, month, day, 12, tzinfo=UTC))
    return plant.count_up()


def answers(scope: Any) -> list[Any]:
    """What is asked by source, by time, and by both."""
    whole = [
        executed(queries.summary, scope),
        executed(queries.labels, scope),
        executed(queries.by_source, scope),
        executed(queries.daily, scope),
        executed(source_counts, scope),
        executed(breakdown, scope, inspected_count=10**9, length=timedelta(days=999)),
        executed(sources_queries.by_source, scope),
        executed(area_queries.inspected_by_day, scope),
        executed(area_queries.calibrations, scope),
    ]
    found = [*executed(area_queries.found, scope), *executed(sources_queries.areas, scope)]
    return [*whole, sorted(map(repr, found))]


@pytest.mark.parametrize("label", [None, "scratch"])
@pytest.mark.parametrize("limits", LIMITS)
def test_months_and_totals_give_what_the_rows_give(
    quarter: Plant, monkeypatch: pytest.MonkeyPatch, limits: dict[str, Any], label: str | None
) -> None:
    scope = quarter.scope(label_id=quarter.labels[label].pk if label else None, **limits)
    from_rollups = answers(scope)
    monkeypatch.setattr(relations, "grain_of", lambda scope, by_hour=False: "rows")
    monkeypatch.setattr(days, "reads_rollups", lambda scope: False)
    assert from_rollups[0].inspected_count
    assert from_rollups == answers(scope)


def test_a_batch_is_found_without_looking_at_other_images(plant: Plant) -> None:
    """As one side of an OR the batch would be looked for in every image of the project."""
    scope = plant.scope(batch_id=plant.batch.pk)
    text = relations.chosen_rows(scope).as_string(None)
    assert "AND prediction.image_id IN" in " ".join(text.split())
    assert "batch" not in relations.chosen_rows(plant.scope()).as_string(None)
