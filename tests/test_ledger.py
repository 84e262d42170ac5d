"""docs/ledger.md: its columns are those of the database, and its lines of SQL give the dashboard's numbers again."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from analytics import Dashboard, build_dashboard
from tests.analytics.tabs.ledger_lines import OF_TABS
from tests.inspections import NOON, Plant, build_plant, executed
from webapp.models import Promotion, RollupZone
from webapp.models.ledger_views import VIEWS

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "ledger.md").read_text()
FIRST, LAST = date(2026, 5, 12), date(2026, 5, 18)

Rows = list[tuple[Any, ...]]

FIGURES: dict[str, Callable[[Dashboard], Rows]] = {
    "inspected": lambda shown: [(shown.summary.inspected_count,)],
    "defective": lambda shown: [(shown.summary.defective_count,)],
    "defect rate": lambda shown: [(shown.rate.fraction,)],
    "defect rate, interval": lambda shown: [(shown.rate.interval.low, shown.rate.interval.high)],
    "failed by the model": lambda shown: [(shown.summary.fail_count,)],
    "first pass": lambda shown: [(shown.summary.first_pass_count,)],
    "waiting for a person": lambda shown: [(shown.summary.waiting_count,)],
    "images at their upload time": lambda shown: [(shown.upload_time_count,)],
    "inspected area": lambda shown: [(shown.summary.pixels,)],
    "defect area": lambda shown: [(shown.defect_pixels,)],
    "change against the period before": lambda shown: [(shown.change.difference if shown.change else None,)],
    "labels: images, area, regions": lambda shown: [
        (label.name, label.affected_count, label.pixels, label.region_count) for label in shown.labels
    ],
    "defect rate by day": lambda shown: [
        (day.start.date(), day.inspected_count, day.defective_count) for day in shown.trend
    ],
    "sources": lambda shown: sorted(
        ((source.source_id, source.inspected_count, source.defective_count) for source in shown.sources),
        key=lambda row: row[0] or 2**63,
    ),
    "model versions that went live": lambda shown: [(row.at, row.number) for row in shown.promotions],
    "inspected and defective, from the daily sums": lambda shown: [
        (shown.summary.inspected_count, shown.summary.defective_count)
    ],
}
"""What a line of the page must give, for the dashboard of a scope of days. A new figure has an entry here and there."""

WITH_A_LABEL: dict[str, Callable[[Dashboard], Rows]] = {
    "images affected by a label": lambda shown: [(shown.summary.defective_count,)],
}
"""The same, for the dashboard of one label."""

SQL = dict(re.findall(r"^\| ([^|]+) \| `(SELECT [^`]+)` \|$", PAGE, re.MULTILINE))


@pytest.fixture
def plant(db: None) -> Plant:
    """Two weeks, with words of people: one failed image overruled, one passed image found to fail."""
    plant = build_plant()
    day = timedelta(days=1)
    plant.image({"scratch": [60]}, captured_at=NOON - 2 * day)
    plant.image(captured_at=NOON - 3 * day)
    plant.image({"scratch": [60, 5]}, source=plant.line_1)
    plant.image({"scratch": [20], "pit": [40]}, source=plant.line_1, captured_at=NOON + timedelta(hours=11.5))
    overruled = plant.image({"pit": [30]}, source=plant.line_2, captured_at=NOON + day)
    found = plant.image({"scratch": [19], "dust": [200]}, source=plant.line_2, captured_at=NOON + day)
    plant.image(captured_at=NOON + 6 * day, captured_at_from="upload")
    plant.image({"scratch": [500]}, captured_at=NOON + 7 * day)
    for image, verdict in ((overruled, "pass"), (found, "fail")):
        image.reviewed_verdict = verdict
        image.save()
    newer = plant.new_model_version()
    plant.predict(found, {}, model_version=newer, is_current=False)
    promotion = Promotion.objects.create(project=plant.project, model_version=newer, previous=plant.model_version)
    Promotion.objects.filter(pk=promotion.pk).update(at=NOON)
    return plant.count_up()


def asked(figure: str, **values: Any) -> Rows:
    """The rows that the page's line gives; decimals are compared with nine digits."""
    with connection.cursor() as cursor:
        cursor.execute(re.sub(r":(project|from|to|label)\b", r"%(\1)s", SQL[figure].replace("%", "%%")), values)
        return cursor.fetchall()


def assert_alike(found: Rows, shown: Rows) -> None:
    assert len(found) == len(shown)
    for one, other in zip(found, shown, strict=True):
        for cell, expected in zip(one, other, strict=True):
            assert cell == (pytest.approx(expected, abs=1e-6) if isinstance(expected, float) else expected)


def test_every_line_of_the_page_has_an_entry() -> None:
    assert set(SQL) == set(FIGURES) | set(WITH_A_LABEL) | set(OF_TABS)


@pytest.mark.parametrize("figure", FIGURES)
def test_the_ledger_gives_the_dashboards_number_again(plant: Plant, figure: str) -> None:
    dashboard = executed(build_dashboard, plant.scope(start=FIRST, end=LAST, bucket="day"))
    assert dashboard.summary.inspected_count == 5
    values = {"project": plant.project.pk, "from": FIRST, "to": LAST}
    assert_alike(asked(figure, **values), FIGURES[figure](dashboard))


@pytest.mark.parametrize("figure", WITH_A_LABEL)
def test_the_ledger_gives_a_labels_number_again(plant: Plant, figure: str) -> None:
    label_id = plant.labels["scratch"].pk
    dashboard = executed(build_dashboard, plant.scope(start=FIRST, end=LAST, label_id=label_id))
    values = {"project": plant.project.pk, "from": FIRST, "to": LAST, "label": label_id}
    found = asked(figure, **values)
    assert found == [(2,)]
    assert_alike(found, WITH_A_LABEL[figure](dashboard))


def test_the_page_tells_every_view_and_column(db: None) -> None:
    told: dict[str, list[tuple[str, str]]] = {}
    for section in re.split(r"^### ledger\.", PAGE.split("## Any number again")[0], flags=re.MULTILINE)[1:]:
        name = section.split("\n", 1)[0]
        told[name] = re.findall(r"^\| `(\w+)` \| ([^|]+?) \|", section, re.MULTILINE)
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT relname, attname, format_type(atttypid, atttypmod)
               FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
               WHERE relnamespace = 'ledger'::regnamespace AND attnum > 0 ORDER BY relname, attnum"""
        )
        there: dict[str, list[tuple[str, str]]] = {}
        for view, column, kind in cursor.fetchall():
            there.setdefault(view, []).append((column, kind))
    assert told == there
    assert set(there) == set(VIEWS)


def test_days_are_those_of_the_installation(plant: Plant) -> None:
    RollupZone.objects.all().delete()
    RollupZone.objects.create(name="Europe/Berlin")
    late = plant.image(captured_at=NOON + timedelta(hours=10.5))
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT day FROM ledger.images WHERE image_id = %s", [late.pk])
        assert cursor.fetchall() == [(date(2026, 5, 13),)]


def test_areas_are_metric_where_the_pixel_size_was_known(plant: Plant) -> None:
    image = plant.image({"pit": [100]})
    image.predictions.update(mm_per_pixel=0.5)
    plant.image({"pit": [100]})
    with connection.cursor() as cursor:
        cursor.execute("SELECT area_mm2 FROM ledger.regions WHERE label = 'pit' AND area_px = 100 ORDER BY region_id")
        assert cursor.fetchall() == [(25.0,), (None,)]
