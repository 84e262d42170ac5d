"""Growth of a defect on an asset, and the day it crosses a limit."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from analytics.scope import ScopeError
from analytics.tabs.growth import Limit, growth_page, read_limit
from tests.analytics.tabs.seed import days_of
from tests.inspections import PIXELS, Plant, executed


@pytest.fixture
def blade(plant: Plant) -> Plant:
    """An asset whose scratch grows by ten pixels a day from 100 on, photographed on twelve days."""
    plant.line_2.kind, plant.line_2.mm_per_pixel = "asset", 0.5
    plant.line_2.save()
    days_of(plant, [{"scratch": [100 + 10 * day + day % 2]} for day in range(12)], source=plant.line_2)
    days_of(plant, [{"pit": [900]}], source=plant.line_1)
    return plant.count_up()


def test_the_crossing_is_where_the_line_says(blade: Plant) -> None:
    limit = Limit(400 / PIXELS, is_mm2=False)
    overview, asset = executed(growth_page, blade.scope(), limit).panels
    assert "about 11 June 2026, between" in overview.rows[0].cells[5]
    assert asset.title == "Line 2"
    assert asset.sentence.startswith("Scratch grows: +6.0%")
    assert len(asset.rows) == 12


def test_square_millimetres_take_the_calibration(blade: Plant) -> None:
    overview = executed(growth_page, blade.scope(), Limit(100, is_mm2=True)).panels[0]
    assert "about 11 June 2026" in overview.rows[0].cells[5]
    assert overview.rows[0].cells[2] == "52.8 mm²"
    blade.line_2.mm_per_pixel = None
    blade.line_2.save()
    overview = executed(growth_page, blade.scope(), Limit(100, is_mm2=True)).panels[0]
    assert "not calibrated" in overview.rows[0].cells[5]


def test_too_few_days_cannot_be_told(blade: Plant) -> None:
    scope = replace(blade.scope(), end=date(2026, 5, 15))
    overview = executed(growth_page, scope, Limit(0.1, is_mm2=False)).panels[0]
    assert overview.rows[0].cells[5].startswith("cannot be told: 4 days with pictures")


def test_what_is_passed_or_never_reached_is_said(blade: Plant) -> None:
    crossed = executed(growth_page, blade.scope(), Limit(0.01, is_mm2=False)).panels[0]
    assert crossed.rows[0].cells[5] == "has crossed it"


def test_without_assets_the_page_says_what_to_do(week: Plant) -> None:
    page = executed(growth_page, week.scope(), None)
    assert page.panels == ()
    assert "kind “asset”" in page.notes[0]
    assert page.link is not None
    assert (page.link.page, page.link.part) == ("project-settings", "sources")


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("", None),
        ("2", Limit(0.02, is_mm2=False)),
        (" 2,5 % ", Limit(0.025, is_mm2=False)),
        ("150 mm²", Limit(150, is_mm2=True)),
        ("150MM2", Limit(150, is_mm2=True)),
    ],
)
def test_limits_are_read_as_people_type_them(text: str, limit: Limit | None) -> None:
    assert read_limit(text) == limit


@pytest.mark.parametrize("text", ["0", "-2%", "101%", "two", "1e3", "5 m", "٣%"])
def test_other_limits_are_refused(text: str) -> None:
    with pytest.raises(ScopeError, match="Expected a share of the picture"):
        read_limit(text)
