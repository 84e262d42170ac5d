"""What went live stands on the trend: a line where it happened, and a row of the table."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from analytics import build_dashboard, build_page
from analytics.dashboard import Dashboard
from analytics.panels import Panel
from tests.inspections import NOON, Plant, build_plant, executed
from webapp.models import Promotion

pytestmark = pytest.mark.django_db


def went_live(plant: Plant, at: datetime, kind: str = "live") -> None:
    promotion = Promotion.objects.create(
        project=plant.project, model_version=plant.new_model_version(), previous=plant.model_version, kind=kind
    )
    Promotion.objects.filter(pk=promotion.pk).update(at=at)


def dashboard(plant: Plant, **limits: Any) -> Dashboard:
    found: Dashboard = executed(build_dashboard, plant.scope(**limits))
    return found


def trend(plant: Plant, **limits: Any) -> Panel:
    return next(panel for panel in build_page(dashboard(plant, **limits)).panels if panel.key == "trend")


def labels(panel: Panel) -> list[str]:
    assert panel.figure is not None
    return [trace["text"][1] for trace in panel.figure["data"] if "text" in trace and trace.get("yaxis") == "y3"]


@pytest.fixture
def week(plant: Plant) -> Plant:
    """An image a day, 12 to 18 May 2026."""
    for day in range(7):
        plant.image({"scratch": [60]} if day % 2 else {}, captured_at=NOON + timedelta(days=day))
    return plant.count_up()


def test_a_line_and_a_row_for_each(week: Plant) -> None:
    went_live(week, NOON + timedelta(days=2))
    went_live(week, NOON + timedelta(days=4, hours=3), kind="roll-back")
    panel = trend(week)
    assert labels(panel) == ["v2", "v3"]
    firsts = [row.cells[0] for row in panel.rows]
    assert firsts[3] == "Version 2 went live (nearest-color), 14 May 2026, 12:00"
    assert firsts[6] == "Rolled back to version 3 (nearest-color), 16 May 2026, 15:00"
    assert len(firsts) == 9
    assert all(len(row.cells) == len(panel.columns) for row in panel.rows)
    assert "Dotted lines: a model version went live, or what the numbers mean was changed." in panel.sentence


def test_the_line_stands_at_the_scopes_clock(week: Plant) -> None:
    went_live(week, NOON + timedelta(days=2))
    panel = trend(week, time_zone="Asia/Kolkata")
    assert panel.figure is not None
    assert panel.figure["data"][-1]["x"] == ["2026-05-14T17:30", "2026-05-14T17:30"]


def test_what_lies_outside_the_scope_or_the_trend_has_none(week: Plant) -> None:
    went_live(week, NOON + timedelta(days=2))
    went_live(week, NOON - timedelta(days=300))
    went_live(week, NOON + timedelta(days=300))
    assert labels(trend(week)) == ["v2"]
    assert labels(trend(week, start=(NOON + timedelta(days=3)).date())) == []
    assert len(dashboard(week).promotions) == 3


def test_just_after_the_last_image_it_is_still_drawn(week: Plant) -> None:
    went_live(week, NOON + timedelta(days=7))
    assert labels(trend(week)) == ["v2"]


def test_another_project_has_no_part_in_it(week: Plant) -> None:
    went_live(build_plant(week.project.workspace, "other"), NOON + timedelta(days=2))
    assert dashboard(week).promotions == ()
    assert "Dotted" not in trend(week).sentence
