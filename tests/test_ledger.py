"""docs/ledger.md: its columns are those of the database, and its lines of SQL give the dashboards' numbers again."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

import analytics.buckets
import analytics.statistics
import analytics.tabs.funnel
from analytics import build_dashboard, build_page
from analytics.statistics import areas, correction, drift, growth, intervals, label_mix, strata
from analytics.tabs.area import area_page
from analytics.tabs.drift import drift_page
from analytics.tabs.growth import growth_page
from analytics.tabs.people import people_page
from analytics.tabs.place import place_page
from analytics.tabs.sources import sources_page
from analytics.tabs.zones import zones_page
from analytics.what_if import Rule, what_if
from analytics.what_if_panels import compared, trade_off
from tests.inspections import NOON, Plant, executed
from tests.ledger_overview import BY_VALUE, FIGURES, WITH_A_LABEL, Rows
from tests.ledger_rows import FIRST, LAST, two_weeks
from tests.ledger_tabs import BY_IMAGE, OF_LABELS, OF_TABS, TRIED_LIMIT_PX
from webapp.models import RollupZone
from webapp.models.ledger_views import VIEWS

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "ledger.md").read_text()
LINES = re.findall(r"^\| ([^|]+) \| `(SELECT [^`]+)` \| ([^|]*) \| ([^|]*) \|$", PAGE, re.MULTILINE)
SQL = {figure: sql for figure, sql, _, _ in LINES}
METHODS = (analytics.statistics, analytics.buckets, analytics.tabs.funnel)
METHODS_ALONE = (areas, correction, drift, growth, intervals, label_mix, strata)


@pytest.fixture
def plant(db: None) -> Plant:
    return two_weeks()


def asked(figure: str, **values: Any) -> Rows:
    """The rows that the page's line gives."""
    with connection.cursor() as cursor:
        cursor.execute(re.sub(r":(project|from|to|label|limit)\b", r"%(\1)s", SQL[figure].replace("%", "%%")), values)
        return cursor.fetchall()


def assert_alike(found: Rows, shown: Rows) -> None:
    assert len(found) == len(shown)
    for one, other in zip(found, shown, strict=True):
        for cell, expected in zip(one, other, strict=True):
            assert cell == (pytest.approx(expected, abs=1e-6) if isinstance(expected, float) else expected)


def test_every_line_of_the_page_has_an_entry() -> None:
    assert set(SQL) == set(FIGURES) | set(WITH_A_LABEL) | set(OF_TABS) | set(OF_LABELS)


def _keys(plant: Plant) -> set[str]:
    """Of every tile and panel on every page, those too that have nothing to draw."""
    scope = plant.scope(start=FIRST, end=LAST)
    page = build_page(executed(build_dashboard, scope))
    tabs = [area_page, place_page, zones_page, sources_page, drift_page, people_page]
    panels = [panel for tab in tabs for panel in executed(tab, scope).panels]
    grown = executed(growth_page, scope, None).panels
    assert [panel.key.split("-")[0] for panel in grown] == ["growth", "growth"]
    tried = executed(what_if, scope, Rule(TRIED_LIMIT_PX))
    return {
        *(tile.key for tile in page.tiles),
        *(panel.key for panel in (*page.panels, *panels)),
        *("growth-…" if panel.key != "growth" else panel.key for panel in grown),
        *(one.key for one in compared(tried)),
        trade_off(tried).key,
    }


def test_every_figure_of_every_page_has_a_line(plant: Plant) -> None:
    told = {key for _, _, keys, _ in LINES for key in re.findall(r"`([^`]+)`", keys)}
    assert told == _keys(plant)


def test_the_methods_that_lines_name_exist() -> None:
    named = {name for _, _, _, then in LINES for name in re.findall(r"`([^`]+)`", then)}
    assert {name for name in named if not any(hasattr(one, name) for one in (*METHODS, *METHODS_ALONE))} == set()


def test_the_ledger_gives_the_overviews_numbers_again(plant: Plant) -> None:
    dashboard = executed(build_dashboard, plant.scope(start=FIRST, end=LAST, bucket="day"))
    assert dashboard.summary.inspected_count == 5
    for figure, told in FIGURES.items():
        found = asked(figure, project=plant.project.pk, **{"from": FIRST, "to": LAST})
        if figure in BY_VALUE:
            found = sorted(row[1:] for row in found)
        _compare(figure, found, told(dashboard))


@pytest.mark.parametrize("figure", WITH_A_LABEL)
def test_the_ledger_gives_a_labels_number_again(plant: Plant, figure: str) -> None:
    label_id = plant.labels["scratch"].pk
    dashboard = executed(build_dashboard, plant.scope(start=FIRST, end=LAST, label_id=label_id))
    values = {"project": plant.project.pk, "from": FIRST, "to": LAST, "label": label_id}
    found = asked(figure, **values)
    assert found == [(2,)]
    assert_alike(found, WITH_A_LABEL[figure](dashboard))


def test_the_ledger_gives_every_number_of_the_further_pages_again(plant: Plant) -> None:
    scratch = plant.labels["scratch"].pk
    values = {"project": plant.project.pk, "from": FIRST, "to": LAST, "label": scratch, "limit": TRIED_LIMIT_PX}
    of_all, of_label = (plant.scope(start=FIRST, end=LAST, label_id=label) for label in (None, scratch))
    for figures, scope in ((OF_TABS, of_all), (OF_LABELS, of_label)):
        for figure, told in figures.items():
            found = asked(figure, **values)
            _compare(figure, sorted(row[1:] for row in found) if figure in BY_IMAGE else found, told(scope))


def _compare(figure: str, found: Rows, shown: Rows) -> None:
    assert shown, figure
    try:
        assert_alike(found, shown)
    except AssertionError as error:
        pytest.fail(f"{figure}: {error}\nby the ledger {found}\non the page {shown}")


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


def test_migrations_made_the_views_that_the_code_tells(db: None) -> None:
    with connection.cursor() as cursor:
        for view, select in VIEWS.items():
            cursor.execute("SELECT pg_get_viewdef(%s::regclass)", [f"ledger.{view}"])
            (made,) = cursor.fetchone()
            cursor.execute(f"CREATE OR REPLACE VIEW ledger.{view} WITH (security_barrier) AS {select}")
            cursor.execute("SELECT pg_get_viewdef(%s::regclass)", [f"ledger.{view}"])
            assert cursor.fetchone() == (made,), view


def test_days_are_those_of_the_installation(plant: Plant) -> None:
    RollupZone.objects.all().delete()
    RollupZone.objects.create(name="Europe/Berlin")
    late = plant.image(captured_at=NOON + timedelta(hours=10.5))
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT day, hour FROM ledger.images WHERE image_id = %s", [late.pk])
        assert cursor.fetchall() == [(date(2026, 5, 13), 0)]


def test_areas_are_metric_where_the_pixel_size_was_known(plant: Plant) -> None:
    image = plant.image({"pit": [100]})
    image.predictions.update(mm_per_pixel=0.5)
    plant.image({"pit": [100]})
    with connection.cursor() as cursor:
        cursor.execute("SELECT area_mm2 FROM ledger.regions WHERE label = 'pit' AND area_px = 100 ORDER BY region_id")
        assert cursor.fetchall() == [(25.0,), (None,)]
