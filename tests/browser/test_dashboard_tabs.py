"""The dashboard's further pages in a browser: figures are drawn, points open images, phones do not scroll sideways."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from tests.browser.factory import Factory
from tests.inspections import NOON, Plant, build_plant

TABS = ("area", "place", "sources", "drift", "growth", "people")
DAYS = 20


@pytest.fixture
def plant(factory: Factory) -> Plant:
    """Twenty days of an asset whose scratch grows, and of a line; every picture has a position."""
    plant = build_plant(factory.project.workspace)
    plant.line_2.kind = "asset"
    plant.line_2.save()
    for day in range(DAYS):
        at = NOON + timedelta(days=day)
        for source, areas in (
            (plant.line_1, {"pit": [40]} if day % 3 else {}),
            (plant.line_2, {"scratch": [20 + 9 * day]}),
        ):
            image = plant.image(areas, source=source, captured_at=at, confidence=0.9 - day % 4 / 100)
            image.latitude, image.longitude = 52.5 + day / 10_000, 13.4 + source.pk % 2 / 1_000
            image.save()
    return plant.count_up()


def address(plant: Plant, tab: str, query: str = "") -> str:
    return f"/p/{plant.project.slug}/dashboard/{tab}{query}"


def test_every_page_is_drawn_and_fits_a_phone(page: Page, plant: Plant) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    for tab in TABS:
        page.goto(address(plant, tab))
        expect(page.locator(".main-svg").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") == 390, tab


def test_a_point_on_the_map_opens_its_image(page: Page, plant: Plant) -> None:
    page.goto(address(plant, "place"))
    point = page.locator(".panel-place-ground .scatterlayer .point").first
    point.scroll_into_view_if_needed()
    box = point.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page.locator(".panel-place-ground .hoverlayer")).to_contain_text("of the picture")
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_url(re.compile(r"/images/\d+/$"))


def test_a_narrow_panel_that_is_left_over_takes_its_row(page: Page, plant: Plant) -> None:
    def width(selector: str) -> float:
        box = page.locator(selector).bounding_box()
        assert box is not None
        return box["width"]

    page.goto(address(plant, "drift"))
    assert width(".panel-drift-confidence") == width(".panels")
    page.goto(address(plant, "sources"))
    assert width(".panel-sources-rate") == width(".panel-sources-funnel") < width(".panels") / 2
    assert width(".panel-sources-table") == width(".panels")


def test_a_limit_is_asked_for_and_answered(page: Page, plant: Plant) -> None:
    page.goto(address(plant, "growth"))
    page.get_by_label("Limit, as a share of the picture").fill("10%")
    page.get_by_role("button", name="When is it crossed?").click()
    expect(page.get_by_text("The limit of 10%: about")).to_be_visible()
    page.get_by_label("Limit, as a share of the picture").fill("a lot")
    page.get_by_role("button", name="When is it crossed?").click()
    expect(page.get_by_role("alert")).to_contain_text("Expected a share of the picture like 2%")
