"""A real Chromium against the real pages."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.servers.basehttp import ServerHandler
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.factory import Factory, open_factory

PATIENCE_MS = 30_000

expect.set_options(timeout=PATIENCE_MS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session", autouse=True)
def _files_are_closed() -> Iterator[None]:
    """Django's server for development leaves a file open where the client hangs up in the middle; gunicorn does not."""
    run = ServerHandler.run

    def run_and_close(self: ServerHandler, application: Any) -> None:
        run(self, application)
        if self.result is not None:
            self.close()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ServerHandler, "run", run_and_close)
        yield


def let_requests_end() -> None:
    """A view still at work when the browser is closed holds rows that emptying the database would wait for.

    Threads are looked at, not signals: a client that hangs up in the middle of a file ends one without the other.
    """
    deadline = time.monotonic() + PATIENCE_MS / 1000
    for thread in threading.enumerate():
        if thread.name.endswith("(process_request_thread)"):
            thread.join(max(0, deadline - time.monotonic()))


@pytest.fixture
def factory(browser: Browser, live_server: Any, settings: Any, tmp_path: Path) -> Iterator[Factory]:
    """alice's project with a model that knows colours, served by a live server, its files in a fresh folder."""
    settings.PIXELWISE_DATA = tmp_path / "data"
    yield open_factory(live_server.url)
    let_requests_end()


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
