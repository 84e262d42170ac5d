"""What the dashboard counts, against rows whose right answer is known."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from analytics import Dashboard, Scope, build_dashboard, dashboard_json, difference, relations, wilson
from tests.inspections import NOON, PIXELS, Plant, build_plant, executed, set_current


def dashboard_of(scope: Scope) -> Dashboard:
    return executed(build_dashboard, scope)


def test_counts_of_everything(week: Plant) -> None:
    shown = dashboard_json(dashboard_of(week.scope()))
    assert (shown["inspected"], shown["defective"], shown["n"]) == (10, 4, 10)
    assert shown["defect_rate"] == 0.4
    assert shown["defect_rate_interval"] == [wilson(4, 10).low, wilson(4, 10).high]
    assert shown["change"] is None
    assert shown["pixels"] == 10 * PIXELS
    assert shown["defect_pixels"] == 60 + 5 + 20 + 40 + 30 + 19 + 100
    assert shown["defect_area_fraction"] == pytest.approx(274 / (10 * PIXELS))
    assert shown["upload_time_count"] == 1


def test_labels_count_area_images_and_regions(week: Plant) -> None:
    shown = dashboard_json(dashboard_of(week.scope()))
    numbers = {row["label"]: row for row in shown["labels"]}
    assert list(numbers) == ["background", "scratch", "pit", "dust"]
    scratch, dust = numbers["scratch"], numbers["dust"]
    assert (scratch["pixels"], scratch["affected_count"], scratch["region_count"]) == (204, 3, 5)
    assert scratch["area_fraction"] == pytest.approx(204 / (10 * PIXELS))
    assert scratch["affected_fraction"] == 0.3
    assert scratch["interval"] == [wilson(3, 10).low, wilson(3, 10).high]
    assert (dust["pixels"], dust["affected_count"], dust["is_defect"]) == (721, 2, False)
    assert sum(row["pixels"] for row in shown["labels"]) == shown["pixels"]


def test_trend_by_day_hour_and_week(week: Plant) -> None:
    by_day = dashboard_json(dashboard_of(week.scope(bucket="day")))["trend"]
    assert [(row["start"], row["inspected"], row["defective"]) for row in by_day] == [
        ("2026-05-12T00:00:00+00:00", 3, 2),
        ("2026-05-13T00:00:00+00:00", 4, 1),
        ("2026-05-19T00:00:00+00:00", 3, 1),
    ]
    assert by_day[0]["interval"] == [wilson(2, 3).low, wilson(2, 3).high]
    by_hour = dashboard_of(week.scope(bucket="hour")).trend
    assert [(row.start, row.inspected_count) for row in by_hour][:2] == [
        (NOON, 2),
        (NOON + timedelta(hours=3), 1),
    ]
    by_week = dashboard_json(dashboard_of(week.scope(bucket="week")))["trend"]
    assert [(row["start"][:10], row["inspected"]) for row in by_week] == [
        ("2026-05-11", 7),
        ("2026-05-18", 3),
    ]


def test_sources_and_images_without_one(week: Plant) -> None:
    rows = dashboard_json(dashboard_of(week.scope()))["sources"]
    assert [(row["source"], row["inspected"], row["defective"]) for row in rows] == [
        ("Line 2", 4, 1),
        ("North / Line 1", 3, 2),
        (None, 3, 1),
    ]


def test_scope_narrows_every_number(week: Plant) -> None:
    shown = dashboard_json(dashboard_of(week.scope(start=date(2026, 5, 12), end=date(2026, 5, 13))))
    assert (shown["inspected"], shown["defective"]) == (7, 3)
    assert sum(row["inspected"] for row in shown["trend"]) == 7
    assert sum(row["inspected"] for row in shown["sources"]) == 7
    line_2 = dashboard_of(week.scope(source_id=week.line_2.pk))
    assert (line_2.rate.count, line_2.rate.n) == (1, 4)
    sourceless = dashboard_of(week.scope(source_id=0))
    assert (sourceless.rate.count, sourceless.rate.n) == (1, 3)
    one_hour = dashboard_of(week.scope(hour=NOON))
    assert (one_hour.rate.count, one_hour.rate.n) == (2, 2)


def test_a_label_makes_its_images_the_defective_ones(week: Plant) -> None:
    scratch = dashboard_of(week.scope(label_id=week.labels["scratch"].pk))
    assert (scratch.rate.count, scratch.rate.n, scratch.defect_pixels) == (3, 10, 204)
    dust = dashboard_of(week.scope(label_id=week.labels["dust"].pk))
    assert (dust.rate.count, dust.rate.n) == (2, 10)
    assert [row.defective_count for row in dust.trend] == [0, 1, 1]


def test_change_against_the_period_before(plant: Plant) -> None:
    for number in range(40):
        plant.image({"pit": [30]} if number < 4 else {}, captured_at=NOON - timedelta(days=7))
        plant.image({"pit": [30]} if number < 20 else {}, captured_at=NOON)
    plant.count_up()
    change = dashboard_of(plant.scope(start=date(2026, 5, 6), end=date(2026, 5, 12))).change
    assert change is not None
    assert (change.before.count, change.before.n) == (4, 40)
    assert change.difference == pytest.approx(0.4)
    assert change.interval == difference(20, 40, 4, 40)
    assert change.direction == "up"
    assert (change.scope.start, change.scope.end) == (date(2026, 4, 29), date(2026, 5, 5))


def test_change_says_when_there_is_too_little_to_compare(week: Plant) -> None:
    change = dashboard_of(week.scope(start=date(2026, 5, 19), end=date(2026, 5, 25))).change
    assert change is not None
    assert change.direction == "too few"
    change = dashboard_of(week.scope(start=date(2026, 5, 12), end=date(2026, 5, 12))).change
    assert change is not None
    assert change.direction == "nothing before"


def test_each_image_counts_once_by_its_current_prediction(week: Plant) -> None:
    image = week.image({"scratch": [60]})
    newer = week.new_model_version()
    set_current(week.predict(image, {}, model_version=newer, is_current=False))
    week.count_up()
    assert dashboard_of(week.scope()).summary.inspected_count == 11
    assert dashboard_of(week.scope()).summary.defective_count == 4
    old = dashboard_of(week.scope(model_version_id=week.model_version.pk))
    assert (old.rate.count, old.rate.n) == (5, 11)
    new = dashboard_of(week.scope(model_version_id=newer.pk))
    assert (new.rate.count, new.rate.n) == (0, 1)


def test_a_batch_is_counted_by_its_images(week: Plant) -> None:
    batch = week.new_batch("Second")
    week.image({"pit": [20]}, batch=batch)
    week.image({"pit": [19]}, batch=batch)
    week.count_up()
    shown = dashboard_json(dashboard_of(week.scope(batch_id=batch.pk)))
    assert (shown["inspected"], shown["defective"], shown["defect_pixels"]) == (2, 1, 39)
    assert [row["affected_count"] for row in shown["labels"]] == [2, 0, 1, 0]


LIMITS = [
    {},
    {"start": date(2026, 5, 12), "end": date(2026, 5, 13)},
    {"bucket": "hour", "start": date(2026, 5, 13)},
    {"bucket": "week", "source_id": 0},
    {"hour": NOON},
    {"label": "scratch"},
    {"label": "dust", "end": date(2026, 5, 18)},
    {"model": True},
]


@pytest.mark.parametrize("limits", LIMITS)
@pytest.mark.parametrize("time_zone", ["UTC", "Europe/Berlin", "America/Los_Angeles", "Pacific/Auckland"])
def test_rollups_and_rows_give_the_same_dashboard(
    week: Plant, monkeypatch: pytest.MonkeyPatch, settings: Any, limits: dict[str, object], time_zone: str
) -> None:
    settings.TIME_ZONE = time_zone
    week.count_up()
    limits = dict(limits)
    if "label" in limits:
        limits["label_id"] = week.labels[str(limits.pop("label"))].pk
    if limits.pop("model", None):
        limits["model_version_id"] = week.model_version.pk
    scope = week.scope(time_zone=time_zone, **limits)
    from_rollups = dashboard_of(scope)
    assert relations.grain_of(scope) != "rows"
    monkeypatch.setattr(relations, "grain_of", lambda scope, by_hour=False: "rows")
    from_rows = dashboard_of(scope)
    if not limits.get("hour"):
        assert from_rows.summary.inspected_count > 2
    assert from_rollups == from_rows


@pytest.mark.parametrize(
    ("time_zone", "captured_at", "day"),
    [
        ("Europe/Berlin", datetime(2026, 3, 28, 23, 30, tzinfo=UTC), "2026-03-29"),
        ("Europe/Berlin", datetime(2026, 3, 29, 21, 59, tzinfo=UTC), "2026-03-29"),
        ("Europe/Berlin", datetime(2026, 10, 25, 22, 59, tzinfo=UTC), "2026-10-25"),
        ("America/New_York", datetime(2026, 5, 13, 3, 59, tzinfo=UTC), "2026-05-12"),
        ("Asia/Kolkata", datetime(2026, 5, 11, 18, 29, tzinfo=UTC), "2026-05-11"),
        ("Asia/Kolkata", datetime(2026, 5, 11, 18, 31, tzinfo=UTC), "2026-05-12"),
    ],
)
def test_days_are_those_of_the_zone(
    plant: Plant, settings: Any, time_zone: str, captured_at: datetime, day: str
) -> None:
    settings.TIME_ZONE = time_zone
    plant.image(captured_at=captured_at)
    plant.count_up()
    that_day = date.fromisoformat(day)
    inside = dashboard_json(dashboard_of(plant.scope(time_zone=time_zone, start=that_day, end=that_day)))
    assert inside["inspected"] == 1
    by_day = dashboard_json(dashboard_of(plant.scope(time_zone=time_zone, bucket="day")))["trend"]
    assert [row["start"][:10] for row in by_day] == [day]
    for other in (that_day - timedelta(days=1), that_day + timedelta(days=1)):
        outside = dashboard_of(plant.scope(time_zone=time_zone, start=other, end=other))
        assert outside.summary.inspected_count == 0


def test_an_hour_that_clocks_show_twice_stays_two(plant: Plant) -> None:
    for hour in (0, 1):
        plant.image(captured_at=datetime(2026, 10, 25, hour, 30, tzinfo=UTC))
    plant.count_up()
    shown = dashboard_json(dashboard_of(plant.scope(time_zone="Europe/Berlin", bucket="hour")))
    assert [row["start"] for row in shown["trend"]] == [
        "2026-10-25T02:00:00+02:00",
        "2026-10-25T02:00:00+01:00",
    ]


def test_an_empty_scope_has_no_rates(week: Plant) -> None:
    shown = dashboard_json(dashboard_of(week.scope(start=date(1999, 1, 1), end=date(1999, 1, 2))))
    assert (shown["inspected"], shown["defect_rate"], shown["defect_rate_interval"]) == (0, None, None)
    assert shown["defect_area_fraction"] is None
    assert (shown["trend"], shown["sources"]) == ([], [])
    assert json.loads(json.dumps(shown)) == shown


def test_too_many_points_are_drawn_by_the_next_unit(plant: Plant) -> None:
    plant.image(captured_at=NOON)
    plant.image(captured_at=NOON + timedelta(days=3650))
    plant.count_up()
    for bucket in ("hour", "day"):
        shown = dashboard_of(plant.scope(bucket=bucket))
        assert (shown.unit, shown.is_coarsened) == ("week", True)
    assert dashboard_of(plant.scope()).is_coarsened is False


def test_nothing_of_another_project_is_counted(week: Plant) -> None:
    alone = dashboard_json(dashboard_of(week.scope()))
    neighbour = build_plant(slug="neighbour")
    neighbour.image({"scratch": [500]})
    neighbour.count_up()
    assert dashboard_json(dashboard_of(week.scope())) == alone
    assert dashboard_of(neighbour.scope()).summary.inspected_count == 1
