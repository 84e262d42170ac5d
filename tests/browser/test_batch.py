"""The page of a batch in a real browser: it follows the workers, loads more, asks before it deletes."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.factory import Factory
from tests.images import picture, png
from webapp.models import Batch
from webapp.views.grid import GRID_LENGTH

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def pictures(count: int) -> dict[str, bytes]:
    return {f"shift/{number}.png": png(picture(red=0.5 if number % 2 else 0, mark=number)) for number in range(count)}


def test_follows_the_workers_without_a_reload(page: Page, factory: Factory) -> None:
    batch = factory.batch(pictures(4), segmented=False)
    loads: list[str] = []
    page.on("load", lambda _: loads.append(page.url))
    page.goto(factory.address("batch", batch.pk))
    expect(page.locator(".shot[data-state=waiting]")).to_have_count(4)
    factory.work()
    expect(page.get_by_text("50.0% of 4, 95% interval 15.0% to 85.0%")).to_be_visible()
    expect(page.locator(".shot[data-state=done]")).to_have_count(4)
    expect(page.locator("#batch-status[hx-trigger]")).to_have_count(0)
    assert len(loads) == 1


def test_who_looks_at_pictures_is_asked_before_they_change(page: Page, factory: Factory) -> None:
    batch = factory.batch(pictures(4), segmented=False)
    page.goto(factory.address("batch", batch.pk))
    page.locator(".shot").first.hover()
    factory.work()
    show = page.get_by_role("button", name="There are new results: show them")
    show.wait_for()
    expect(page.locator(".shot[data-state=waiting]")).to_have_count(4)
    show.click()
    expect(page.locator(".shot[data-state=done]")).to_have_count(4)


def test_load_more_keeps_what_is_there_and_moves_the_focus(page: Page, factory: Factory) -> None:
    batch = factory.batch(pictures(GRID_LENGTH + 3))
    page.goto(factory.address("batch", batch.pk))
    shots = page.locator(".shot")
    expect(shots).to_have_count(GRID_LENGTH)
    page.get_by_role("button", name="Load more").click()
    expect(shots).to_have_count(GRID_LENGTH + 3)
    expect(page.get_by_role("button", name="Load more")).to_have_count(0)
    expect(shots.nth(GRID_LENGTH).get_by_role("link")).to_be_focused()


def test_overlay_can_be_switched_off_and_stays_off(page: Page, factory: Factory) -> None:
    batch = factory.batch(pictures(2))
    page.goto(factory.address("batch", batch.pk))
    first = page.locator(".shot img").first
    expect(first).to_have_attribute("src", re.compile("overlay"))
    page.get_by_label("Show what was found").uncheck()
    expect(first).to_have_attribute("src", re.compile("thumbnail"))
    page.reload()
    expect(first).to_have_attribute("src", re.compile("thumbnail"))


def test_asks_before_it_deletes(page: Page, factory: Factory) -> None:
    batch = factory.batch(pictures(2))
    page.goto(factory.address("batch", batch.pk))
    page.locator("summary", has_text="More").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name="Keep it").click()
    assert Batch.objects.count() == 1
    page.locator("summary", has_text="More").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name="Delete the batch").click()
    expect(page.get_by_text("Batch “Shift” is deleted, with 2 images that only it held.")).to_be_visible()
    assert Batch.objects.count() == 0


def test_rename_and_run_again(page: Page, factory: Factory) -> None:
    batch = factory.batch(pictures(2))
    page.goto(factory.address("batch", batch.pk))
    page.locator("summary", has_text="More").click()
    page.get_by_role("button", name="Rename").click()
    page.get_by_role("textbox", name="Name").fill("Late shift")
    page.get_by_role("dialog").get_by_role("button", name="Rename").click()
    expect(page.get_by_role("heading", name="Late shift")).to_be_visible()
    page.locator("summary", has_text="More").click()
    page.get_by_role("button", name="Run again").click()
    page.get_by_role("dialog").get_by_role("button", name="Run", exact=True).click()
    expect(page.get_by_text("Earlier numbers stay.")).to_be_visible()
    assert batch.runs.count() == 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_can_be_used_by_everyone(page: Page, factory: Factory, scheme: str) -> None:
    batch = factory.batch(pictures(4) | {"notes.txt": b"hello"})
    waiting = factory.batch({"new.png": png(picture(red=0.1, mark=77))}, segmented=False)
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    for address in (
        factory.address("batches"),
        factory.address("batch-new"),
        factory.address("batch", batch.pk),
        factory.address("batch", waiting.pk),
        factory.address("images"),
        factory.address("image", batch.images.latest("id").pk),
        factory.address("image", waiting.images.get().pk),
    ):
        page.goto(address)
        results = Axe().run(page, options=RULES)
        assert results.violations_count == 0, f"{address}\n{results.generate_report()}"
