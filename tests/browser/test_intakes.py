"""A watched folder in the browser: named, and its page follows what comes in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.factory import Factory
from tests.images import picture, png
from tests.intakes import look_now, put
from webapp.models import Intake

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_folder_is_named_and_the_page_follows(page: Page, factory: Factory, settings: Any, tmp_path: Path) -> None:
    settings.PIXELWISE_WATCH_FOLDERS = [str(tmp_path / "cameras")]
    settings.PIXELWISE_WATCH_SECONDS = 0
    put(tmp_path / "cameras", "line 3/a.png", png(picture(red=0.5)))
    put(tmp_path / "cameras", "line 3/notes.txt", b"hello")
    page.goto(f"/p/{factory.project.slug}/batches/")
    page.get_by_role("link", name="Automatic intake").click()
    page.get_by_role("button", name="Watch it").click()
    expect(page.get_by_text("First look")).to_be_visible()
    look_now(Intake.objects.get(), times=2)
    card = page.locator("#intakes section")
    expect(card.get_by_text("is not an image")).to_be_visible()
    expect(card.locator("a[href$='show=stored']")).to_have_text("1")
    expect(card.get_by_text("On", exact=True)).to_be_visible()
    settings.PIXELWISE_WATCH_FOLDERS = []
    look_now(Intake.objects.get())
    expect(card.get_by_role("alert")).to_contain_text("PIXELWISE_WATCH_FOLDERS")
