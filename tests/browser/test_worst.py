"""The worst images of the overview, judged by keyboard where they stand; from a point of the chart to an overlay."""

from __future__ import annotations

import re
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.factory import Factory
from tests.images import picture, png
from webapp.models import Review
from webapp.pipeline import rollups

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
RUSTY = 3


@pytest.fixture
def filled(factory: Factory) -> Factory:
    """Three rusty images, the last the worst, and two clean ones."""
    reds = [0.0] * 2 + [0.1, 0.3, 0.6]
    factory.batch({f"part-{number}.png": png(picture(red=red, mark=number)) for number, red in enumerate(reds)})
    return factory


def test_the_worst_images_are_judged_by_keyboard(page: Page, filled: Factory) -> None:
    page.goto(filled.address("dashboard"))
    items = page.locator(".worst-item")
    expect(items).to_have_count(RUSTY)
    items.first.locator(".worst-picture").focus()
    page.keyboard.press("f")
    expect(items.first).to_contain_text("Judged fail by Alice")
    expect(items.nth(1).locator(".worst-picture")).to_be_focused()

    page.keyboard.press("p")
    reason = page.get_by_label("Why is it a pass?")
    expect(reason).to_be_focused()
    reason.fill("Only paint")
    page.keyboard.press("Enter")
    expect(items.nth(1)).to_contain_text("Judged pass by Alice")
    expect(items.nth(2).locator(".worst-picture")).to_be_focused()

    page.keyboard.press("ArrowLeft")
    page.keyboard.press("u")
    expect(items.nth(1)).not_to_contain_text("Judged pass")
    said = Review.objects.order_by("pk").values_list("image__name", "verdict", "reason", "is_withdrawn")
    assert list(said) == [
        ("part-4.png", "fail", "", False),
        ("part-3.png", "pass", "Only paint", False),
        ("part-3.png", "pass", "", True),
    ]
    assert rollups.differences(filled.project.pk) == []


def test_an_overlay_is_two_clicks_from_a_point_of_the_chart(page: Page, filled: Factory) -> None:
    page.goto(filled.address("dashboard"))
    point = page.locator(".panel-trend .scatterlayer .point").first
    point.scroll_into_view_if_needed()
    box = point.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page.locator(".panel-trend .hoverlayer")).to_contain_text("3 of 5")
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_url(re.compile(r"/images/\?"))
    expect(page.locator(".shot")).to_have_count(RUSTY)
    page.locator(".shot a").first.click()
    expect(page.locator("[data-viewer=root][data-state=loaded]")).to_be_visible()
    expect(page.get_by_label("Overlay", exact=True)).to_be_checked()


@pytest.mark.parametrize(("width", "height", "scheme"), [(1280, 800, "light"), (390, 844, "dark")])
def test_the_first_screen_holds_all_tiles(
    page: Page, filled: Factory, width: int, height: int, scheme: Literal["light", "dark"]
) -> None:
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme=scheme)
    page.goto(filled.address("dashboard"))
    expect(page.locator(".panel-trend .main-svg").first).to_be_visible()
    lowest = page.evaluate(
        "Math.max(...[...document.querySelectorAll('.tile')].map(t => t.getBoundingClientRect().bottom))"
    )
    assert lowest <= height
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    found = Axe().run(page, options=RULES)
    assert found.violations_count == 0, found.generate_report()
