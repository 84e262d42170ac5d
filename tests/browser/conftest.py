"""A real Chromium against the real pages."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.core import signals
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.factory import Factory, open_factory

PATIENCE_MS = 30_000

expect.set_options(timeout=PATIENCE_MS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.browser)


@contextmanager
def answered() -> Iterator[None]:
    """Waits for the requests made in between: a view still at work holds rows that emptying the database waits for."""
    underway, quiet = 0, threading.Condition()

    def count(by: int) -> None:
        nonlocal underway
        with quiet:
            underway += by
            quiet.notify_all()

    def begun(**_: Any) -> None:
        count(1)

    def ended(**_: Any) -> None:
        count(-1)

    signals.request_started.connect(begun)
    signals.request_finished.connect(ended)
    try:
        yield
        with quiet:
            assert quiet.wait_for(lambda: underway <= 0, timeout=PATIENCE_MS / 1000), f"{underway} requests hang"
    finally:
        signals.request_started.disconnect(begun)
        signals.request_finished.disconnect(ended)


@pytest.fixture
def factory(browser: Browser, live_server: Any, settings: Any, tmp_path: Path) -> Iterator[Factory]:
    """alice's project with a model that knows colours, served by a live server, its files in a fresh folder."""
    settings.PIXELWISE_DATA = tmp_path / "data"
    with answered():
        yield open_factory(live_server.url)


@pytest.fixture
def context(browser: Browser, factory: Factory, settings: Any) -> Iterator[BrowserContext]:
    """alice's signed-in browser window."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, base_url=factory.url)
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": factory.session_key, "url": factory.url}])
    context.set_default_timeout(PATIENCE_MS)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A tab; what goes wrong in its scripts fails the test, a blocked inline style or script included."""
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda line: problems.append(line.text) if is_problem(line.type, line.text) else None)
    yield page
    assert problems == []


def is_problem(kind: str, text: str) -> bool:
    """Errors, except that Chromium also logs every answer of 400 and more, which tests ask for."""
    return kind == "error" and not text.startswith("Failed to load resource")
