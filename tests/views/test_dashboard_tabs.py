"""The dashboard's further pages: they answer for empty and full projects, refuse bad addresses, and stay quick."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.inspections import NOON
from tests.views.visit import Visit, start_visit, words

TABS = ("area", "place", "sources", "drift", "growth", "people")
MOST_STATEMENTS = 24


@pytest.fixture
def visit(db: None, settings: Any, tmp_path: Path) -> Visit:
    return start_visit(settings, tmp_path)


@pytest.fixture
def full(visit: Visit) -> Visit:
    """two sources, eighteen days, one image a day each."""
    plant = visit.plant
    for day in range(18):
        at = NOON + timedelta(days=day)
        plant.image({"scratch": [20 + day]}, source=plant.line_1, captured_at=at)
        plant.image({"pit": [30]} if day % 3 == 0 else {}, source=plant.line_2, captured_at=at)
    plant.count_up()
    return visit


def test_an_empty_project_says_what_to_do(visit: Visit) -> None:
    for tab in TABS:
        assert "No images yet" in words(visit.page(f"dashboard-{tab}"))


@pytest.mark.parametrize("tab", TABS)
def test_a_full_project_has_panels_with_tables(full: Visit, tab: str) -> None:
    with CaptureQueriesContext(
        connection,
    ) as asked:
        page = full.page(f"dashboard-{tab}")
    assert "Nothing matches" not in page
    assert tab == "growth" or page.count('class="card panel') >= 2
    assert len(asked) <= MOST_STATEMENTS


@pytest.mark.parametrize("query", ["from=2026-13-01", "label=rust", "source=99999", "hour=noon", "vs_from=yesterday"])
def test_a_bad_address_is_refused_in_words(visit: Visit, query: str) -> None:
    for tab in TABS:
        response = visit.client.get(visit.address(f"dashboard-{tab}") + f"?{query}")
        assert response.status_code == 400
        assert "These filters cannot be used" in response.content.decode()


def test_an_empty_scope_says_so(full: Visit) -> None:
    for tab in TABS:
        for query in ("from=1999-01-01&to=1999-02-01", "hour=1999-01-01T00:00Z"):
            assert "Nothing matches these filters" in words(full.page(f"dashboard-{tab}", query=f"?{query}"))


def test_every_filter_is_answered(full: Visit) -> None:
    plant = full.plant
    queries = (
        f"batch={plant.batch.pk}",
        "hour=2026-05-12T12:00Z",
        f"model={plant.model_version.pk}",
        f"label={plant.labels['scratch'].pk}",
        f"source={plant.line_1.pk}&vs_source={plant.line_2.pk}",
        "from=2026-06-01&to=2026-06-30&vs_from=2026-05-12&vs_to=2026-05-31",
        "from=2016-01-01&to=2026-12-31&by=hour",
        "source=none",
    )
    for tab in TABS:
        for query in queries:
            assert full.client.get(full.address(f"dashboard-{tab}") + f"?{query}").status_code == 200, (tab, query)


def test_a_limit_that_makes_no_sense_is_refused(full: Visit) -> None:
    for limit in ("-1", "0", "101%", "two", "1e9", "5 km", "%", "9" * 30, "2%; drop table"):
        response = full.client.get(full.address("dashboard-growth"), {"limit": limit})
        assert response.status_code == 400
        assert "Expected a share of the picture like 2%" in response.content.decode()


def test_what_is_missing_is_a_link_away(full: Visit) -> None:
    settings = f'<a href="{full.address("project-settings")}#sources">'
    growth = full.page("dashboard-growth")
    assert f"{settings}Settings → Sources</a>" in growth
    assert "When is it crossed?" not in growth, "there is nothing to apply a limit to"
    assert f"{settings}Settings → Sources → Zones</a>" in full.page("dashboard-zones")
    area = full.page("dashboard-area")
    assert f"{settings}Settings → Sources</a>" in area
    assert f'<a href="{full.address("models")}#leaderboard">' in area


def test_the_growth_page_keeps_its_limit_when_filters_change(full: Visit) -> None:
    source = full.plant.line_1
    source.kind = "asset"
    source.save()
    page = full.page("dashboard-growth", query="?limit=2%25")
    assert '<input type="hidden" name="limit" value="2%">' in page
    assert "The limit of 2%: about" in words(page)


def test_nobody_else_sees_them(visit: Visit) -> None:
    for tab in TABS:
        assert visit.outsider.get(visit.address(f"dashboard-{tab}")).status_code == 404
