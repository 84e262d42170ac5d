"""People's words by keyboard in a real browser, on an image's page and in the blind audit; what-if with a slider."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.factory import Factory
from tests.images import picture, png
from webapp.models import AuditImage, Image, Review
from webapp.pipeline import rollups

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}
SHAPES = [(1280, 900, "light"), (390, 844, "dark")]


def fill(factory: Factory) -> None:
    """Six passes and three fails, of which one nearly passes."""
    reds = [0.0] * 6 + [0.04, 0.3, 0.6]
    files = {f"part-{number}.png": png(picture(red=red, mark=number)) for number, red in enumerate(reds)}
    factory.batch(files)


def looked_at(page: Page, name: str) -> None:
    """Accessible in light and dark, wide and narrow; with REVIEW_SHOTS set, also put on disk to look at."""
    for width, height, scheme in SHAPES:
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        page.wait_for_timeout(150)
        found = Axe().run(page, options=RULES)
        assert found.violations_count == 0, found.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name} is wider than {width} px"
        if folder := os.environ.get("REVIEW_SHOTS"):
            page.screenshot(path=Path(folder) / f"{name}-{width}-{scheme}.png", full_page=True)
    page.set_viewport_size({"width": 1280, "height": 900})
    page.emulate_media(color_scheme="light")


def test_an_image_is_judged_by_keyboard(page: Page, factory: Factory) -> None:
    fill(factory)
    image = factory.image("part-8.png")
    page.goto(factory.address("image", image.pk))
    page.locator("[data-viewer=root][data-state=loaded]").wait_for()
    box = page.locator("#review")
    page.keyboard.press("p")
    reason = page.get_by_label("Why is it a pass?")
    expect(reason).to_be_focused()
    page.keyboard.type("fop, only paint")
    looked_at(page, "image-asking")
    page.keyboard.press("Enter")
    expect(box).to_contain_text("Alice: pass, overruling the model. “fop, only paint”")
    expect(box).to_contain_text("Model: fail.")
    assert Image.objects.get(pk=image.pk).reviewed_verdict == "pass"
    box.get_by_text("History").click()
    looked_at(page, "image-overruled")
    page.keyboard.press("u")
    expect(box).not_to_contain_text("overruling the model")
    page.keyboard.press("f")
    expect(box).to_contain_text("Alice: fail")
    assert [(row.verdict, row.is_withdrawn) for row in Review.objects.all()] == [
        ("fail", False),
        ("pass", True),
        ("pass", False),
    ]
    assert rollups.differences(factory.project.pk) == []


def test_the_audit_by_keyboard(page: Page, factory: Factory) -> None:
    page.goto(factory.address("audit"))
    looked_at(page, "audit-none")
    fill(factory)
    page.goto(factory.address("audit"))
    looked_at(page, "audit-draw")
    page.get_by_role("button", name="Draw now").click()
    progress = page.get_by_text("0 of 6 judged")
    expect(progress).to_be_visible()
    looked_at(page, "audit-judge")
    page.keyboard.press("s")
    page.wait_for_url("**after=*")
    page.keyboard.press("f")
    expect(page.get_by_text("1 of 6 judged")).to_be_visible()
    page.keyboard.press("u")
    expect(page.get_by_text("0 of 6 judged")).to_be_visible()
    for number in range(6):
        page.keyboard.press("f" if number == 0 else "p")
        if number < 5:
            expect(page.get_by_text(f"{number + 1} of 6 judged")).to_be_visible()
    expect(page.get_by_text("6 passed images judged blind, 1 escape found: too few to say.")).to_be_visible()
    looked_at(page, "audit-result")
    assert sorted(AuditImage.objects.values_list("verdict", flat=True)) == ["fail", *["pass"] * 5]
    assert rollups.differences(factory.project.pk) == []


def test_what_if_follows_the_slider(page: Page, factory: Factory) -> None:
    fill(factory)
    page.goto(factory.address("dashboard-what-if"))
    expect(page.get_by_text("This is the rule in force.")).to_be_visible()
    expect(page.locator(".what-if-panels .main-svg").first).to_be_visible()
    looked_at(page, "what-if-in-force")
    slider = page.get_by_label("on a logarithmic scale")
    slider.focus()
    page.keyboard.press("End")
    expect(page.get_by_text("that failed would pass")).to_contain_text("2 that failed would pass")
    expect(page.get_by_label("Smallest region that fails an image, px")).to_have_value("720")
    page.get_by_label("Smallest region that fails an image, px").fill("500")
    expect(page).to_have_url(factory.url + factory.address("dashboard-what-if") + "?min_px=500")
    expect(page.locator("#what-if-rejects + .tile-number")).to_have_text("1.0")
    looked_at(page, "what-if-tried")
    page.get_by_label("Keep this rule as").fill("Looser")
    page.get_by_role("button", name="Keep as a draft").click()
    expect(page.get_by_role("link", name="Looser")).to_be_visible()
    looked_at(page, "what-if-draft")


@pytest.mark.parametrize("query", ["?min_px=0&min_confidence=900", "?from=nonsense"])
def test_what_if_that_makes_no_sense(page: Page, factory: Factory, query: str) -> None:
    fill(factory)
    page.goto(factory.address("dashboard-what-if") + query)
    expect(page.get_by_text("Expected a").first).to_be_visible()
    looked_at(page, f"what-if-wrong-{len(query)}")
