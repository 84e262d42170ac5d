"""The dashboard as a person uses it: filter, go back, reload, open the images behind a bar, download."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser.factory import Factory
from tests.images import picture, png

RUSTY, PAINTED, CLEAN = 3, 1, 2


@pytest.fixture
def filled(factory: Factory) -> Factory:
    """Three rusty images, one painted, two clean: really segmented."""
    files = {f"rusty/{mark}.png": png(picture(red=0.25, mark=mark)) for mark in range(RUSTY)}
    files |= {f"painted/{mark}.png": png(picture(blue=0.5, mark=mark)) for mark in range(PAINTED)}
    files |= {f"clean/{mark}.png": png(picture(mark=mark)) for mark in range(CLEAN)}
    factory.batch(files)
    return factory


def number(page: Page, tile: str) -> Locator:
    return page.locator(f".tile-{tile} .tile-number")


def drawn(page: Page, panel: str) -> Locator:
    return page.locator(f".panel-{panel} .main-svg").first


def test_filters_live_in_the_address(page: Page, filled: Factory) -> None:
    page.goto(filled.address("dashboard"))
    expect(number(page, "inspected")).to_have_text("6")
    expect(number(page, "rate")).to_have_text("50.0%")
    expect(drawn(page, "trend")).to_be_visible()
    page.evaluate("window.same = true")

    page.locator(".filter-toggle").click()
    page.get_by_label("Label", exact=True).select_option(label="paint")
    expect(page.locator(".tile-rate .tile-name")).to_have_text("Images with paint")
    expect(number(page, "rate")).to_have_text("16.7%")
    assert re.search(r"\?label=\d+$", page.url)
    page.get_by_label("From", exact=True).fill("1999-01-01")
    page.get_by_label("To", exact=True).fill("1999-01-31")
    expect(page.get_by_text("Nothing matches these filters")).to_be_visible()

    page.go_back()
    page.go_back()
    expect(number(page, "rate")).to_have_text("16.7%")
    expect(drawn(page, "pareto-images")).to_be_visible()
    page.go_back()
    expect(number(page, "rate")).to_have_text("50.0%")
    expect(page.get_by_label("Label", exact=True)).to_have_value("")
    assert page.evaluate("window.same") is True, "the page was loaded anew"

    page.go_forward()
    expect(number(page, "rate")).to_have_text("16.7%")
    page.reload()
    expect(number(page, "rate")).to_have_text("16.7%")
    expect(page.locator(".filter-chip")).to_have_text("paint")
    page.locator(".filter-toggle").click()
    expect(page.get_by_label("Label", exact=True).locator("option:checked")).to_have_text("paint")


def test_a_bar_opens_the_images_behind_it(page: Page, filled: Factory) -> None:
    page.goto(filled.address("dashboard"))
    bar = page.locator(".panel-pareto-images .barlayer .point path").first
    bar.scroll_into_view_if_needed()
    box = bar.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page.locator(".panel-pareto-images .hoverlayer")).to_contain_text("3 images of 6")
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_url(re.compile(r"/images/\?label=\d+$"))
    expect(page.locator(".shot")).to_have_count(RUSTY)


def test_the_numbers_are_there_without_scripts(filled: Factory, context: BrowserContext) -> None:
    browser = context.browser
    assert browser is not None
    with browser.new_context(java_script_enabled=False, base_url=filled.url) as plain:
        plain.add_cookies(context.cookies())
        page = plain.new_page()
        page.goto(filled.address("dashboard"))
        page.locator(".filter-toggle").click()
        page.get_by_label("Label", exact=True).select_option(label="rust")
        page.get_by_role("button", name="Apply").click()
        expect(number(page, "rate")).to_have_text("50.0%")
        page.locator(".panel-pareto-images summary").click()
        page.get_by_role("region", name="Numbers of Defects by images affected").get_by_role(
            "link", name="rust"
        ).click()
        expect(page.locator(".shot")).to_have_count(RUSTY)


def test_the_download_holds_what_the_page_counts(page: Page, filled: Factory, tmp_path: Path) -> None:
    page.goto(filled.address("dashboard"))
    page.get_by_text("Download CSV").click()
    with page.expect_download() as started:
        page.get_by_role("link", name="one row per image", exact=False).first.click()
    started.value.save_as(tmp_path / "images.csv")
    with (tmp_path / "images.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    expect(number(page, "inspected")).to_have_text(str(len(rows)))
    assert sum(int(row["defective"]) for row in rows) == RUSTY


def test_figures_follow_the_theme(page: Page, filled: Factory) -> None:
    page.emulate_media(color_scheme="light")
    page.goto(filled.address("dashboard"))
    dot = page.locator(".panel-sources .scatterlayer .point").first
    expect(dot).to_have_css("stroke", "rgb(213, 94, 0)")
    page.emulate_media(color_scheme="dark")
    expect(dot).to_have_css("stroke", "rgb(240, 120, 42)")


def test_nothing_scrolls_sideways_on_a_phone(page: Page, filled: Factory) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(filled.address("dashboard"))
    expect(drawn(page, "area")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_results_that_come_in_show_by_themselves(page: Page, factory: Factory) -> None:
    page.clock.install()
    factory.batch({"1.png": png(picture(red=0.25))}, segmented=False)
    page.goto(factory.address("dashboard"))
    expect(page.get_by_text("No results yet")).to_be_visible()
    factory.work()
    page.clock.run_for(10_500)
    expect(number(page, "inspected")).to_have_text("1")
    expect(drawn(page, "trend")).to_be_visible()
