"""A quality manager's first hour: sign in, make a project, drop a folder, read the dashboard; on the real stack."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.screenshots import sign_in
from tests.flows.stack import EMAIL, PASSWORD, Stack

pytestmark = [pytest.mark.slow, pytest.mark.browser]


@pytest.fixture
def page(stack: Stack, browser: Browser, monkeypatch: pytest.MonkeyPatch) -> Iterator[Page]:
    """A signed-in window."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    window = context.new_page()
    monkeypatch.setenv("PIXELWISE_ADMIN_EMAIL", EMAIL)
    monkeypatch.setenv("PIXELWISE_ADMIN_PASSWORD", PASSWORD)
    sign_in(window, stack.url)
    yield window
    context.close()


def upload_folder(page: Page, folder: Path) -> None:
    """Choose a folder on the upload page and wait until every image of it is segmented."""
    page.locator("[data-uploader][data-ready]").wait_for()
    page.set_input_files("[data-part=folder-input]", folder)
    page.get_by_role("button", name=re.compile("^Upload ")).click()
    expect(page.get_by_role("heading", name="Segmentation finished")).to_be_visible(timeout=120_000)


def test_from_an_empty_project_to_its_dashboard(stack: Stack, page: Page, tmp_path: Path) -> None:
    page.get_by_role("link", name="New project").first.click()
    page.get_by_label("Project name").fill("First hour")
    page.get_by_label("Manufacturing surface").check()
    page.get_by_role("button", name=re.compile("Create|Make")).click()
    page.get_by_role("link", name="Models", exact=True).click()
    page.get_by_role("button", name=re.compile("starter", re.IGNORECASE)).click()
    expect(page.get_by_text("Live").first).to_be_visible()

    folder = tmp_path / "shift"
    stack.manage("shell", "-c", _DRAW.format(folder=str(folder)))
    page.goto(re.sub(r"models/.*$", "batches/new", page.url))
    upload_folder(page, folder)

    page.get_by_role("link", name="Dashboard").first.click()
    expect(page.locator(".tile-rate")).to_contain_text("of 4 images")
    page.get_by_role("link", name="Open 4 images").click()
    expect(page.locator("main img")).to_have_count(4)


_DRAW = """
from pathlib import Path
import cv2, numpy as np
from segmentation.scenes import draw_scene
folder = Path({folder!r})
folder.mkdir()
for number in range(4):
    scene = draw_scene(np.random.default_rng(number), defects=dict(stain=1) if number else dict(), difficulty=0.2)
    cv2.imwrite(str(folder / f"{{number}}.png"), scene.rgb[:, :, ::-1])
"""
