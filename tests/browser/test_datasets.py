"""The pages of data sets in a real browser: a ZIP goes up and is followed, presets redraw the examples."""

from __future__ import annotations

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.factory import Factory
from tests.data_sets import write_set, zipped
from webapp.actions.datasets import import_dataset
from webapp.models import Dataset, DatasetImport
from webapp.pipeline.import_dataset import run_import

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


@pytest.fixture
def dataset(factory: Factory, tmp_path: Path) -> Dataset:
    folder = write_set(tmp_path / "set", validation_kinds=((), (1,)))
    return import_dataset(project=factory.project, user=factory.alice, path=folder, name="Spring", split="given")


def work() -> None:
    """Read the data set that waits, as a worker would."""
    while run_import(DatasetImport.objects.get().pk):
        pass


def test_a_zip_goes_up_and_the_page_follows_the_worker(page: Page, factory: Factory, tmp_path: Path) -> None:
    (tmp_path / "autumn.zip").write_bytes(zipped(write_set(tmp_path / "set", "voc")))
    page.goto(factory.address("models"))
    page.get_by_role("link", name="Data", exact=True).first.click()
    expect(page.get_by_role("heading", name="No data set yet")).to_be_visible()
    page.get_by_label("ZIP with labelled images").set_input_files(tmp_path / "autumn.zip")
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_text("Starts as soon as a worker is free")).to_be_visible()
    work()
    page.get_by_role("link", name="Say what they are").click()
    expect(page.get_by_label("Rust")).to_have_value("label:rust")
    page.get_by_label("dent").select_option(label="dent (new)")
    page.get_by_role("button", name="Read the images").click()
    work()
    expect(page.get_by_role("link", name="autumn", exact=True)).to_be_visible()
    expect(page.locator("#data-list[hx-trigger]")).to_have_count(0)


def test_what_is_no_zip_is_told_beside_the_button(page: Page, factory: Factory, tmp_path: Path) -> None:
    (tmp_path / "photo.zip").write_bytes(b"no archive")
    page.goto(factory.address("data-sets"))
    page.get_by_label("ZIP with labelled images").set_input_files(tmp_path / "photo.zip")
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("alert")).to_have_text(
        "Expected a ZIP with a data set; this file is none, or its end is missing."
    )
    expect(page.get_by_role("button", name="Upload")).to_be_enabled()


def test_presets_redraw_the_examples(page: Page, factory: Factory, dataset: Dataset) -> None:
    page.goto(factory.address("data-set", dataset.pk))
    third = page.locator(".data-examples img").nth(3)
    expect(third).to_have_attribute(
        "src", f"{factory.address('data-preview', dataset.pk, 3)}?presets=light&presets=camera&"
    )
    page.get_by_label("Dirty lens").check()
    expect(third).to_have_attribute(
        "src", f"{factory.address('data-preview', dataset.pk, 3)}?presets=light&presets=camera&presets=dirty-lens&"
    )
    for label in ("Light changes", "Camera moves", "Dirty lens"):
        page.get_by_label(label).uncheck()
    expect(third).to_have_attribute("src", f"{factory.address('data-preview', dataset.pk, 3)}?")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessible(page: Page, factory: Factory, dataset: Dataset, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    DatasetImport.objects.create(project=factory.project, name="Broken", state="failed", error="masks/3.png is missing")
    DatasetImport.objects.create(project=factory.project, name="Now", state="running", image_count=9, done_count=4)
    for address in (factory.address("data-sets"), factory.address("data-set", dataset.pk)):
        page.goto(address)
        found = Axe().run(page, options=RULES)
        assert found.violations_count == 0, found.generate_report()
