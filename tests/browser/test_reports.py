"""The page of reports in a real browser: asked for, followed, fetched; readable on a phone and by a screen reader."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Page, expect

from tests.browser.factory import Factory
from webapp.models import Report
from webapp.pipeline.reports import run_report

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def test_a_report_is_asked_for_followed_and_fetched(page: Page, factory: Factory) -> None:
    page.goto(factory.address("reports"))
    rows = page.get_by_label("Rows (Excel, CSV and Parquet)")
    expect(rows).to_be_visible()
    page.get_by_label("PDF summary").check()
    expect(rows).to_be_hidden()
    page.get_by_role("button", name="Create report").click()
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    run_report(Report.objects.get().pk)
    with page.expect_download() as fetched:
        page.get_by_role("link", name="Download").click()
    assert Path(fetched.value.path()).read_bytes().startswith(b"%PDF")
    page.reload()
    page.get_by_role("link", name="Notifications, 1 unread").click()
    page.get_by_role("button", name="Open").click()
    expect(page.get_by_role("heading", name="Written reports")).to_be_visible()
    expect(page.get_by_role("link", name="Notifications", exact=True)).to_be_visible()


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_readable_for_all(page: Page, factory: Factory, width: int, scheme: Literal["light", "dark"]) -> None:
    done = {"path": "1.pdf", "filename": "a.pdf", "size_bytes": 81_000, "row_count": 12, "sha256": "ab" * 32}
    reports = factory.project.reports
    reports.create(user=factory.alice, kind="pdf", state="done", query="from=2026-05-01", **done)
    reports.create(user=factory.alice, kind="evidence", state="failed", error="The file could not be written.")
    reports.create(user=factory.alice, kind="xlsx", grain="labels", state="cancelled")
    schedule = factory.project.report_schedules.create(
        user=factory.alice, name="Weekly", kind="pdf", every="week", next_at=timezone.now()
    )
    schedule.recipients.add(factory.alice)
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    page.goto(factory.address("reports"))
    page.locator("#again summary").click()
    page.get_by_text("Change who gets it").click()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    found = Axe().run(page, options=RULES)
    assert found.violations_count == 0, found.generate_report()
