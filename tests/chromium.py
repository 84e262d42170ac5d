"""The one Chromium of a test process. Without one on the machine the tests that ask for it are skipped, or fail where
PIXELWISE_REQUIRE_BROWSER=1 says that they must run.

Registered once in tests/conftest.py: Playwright cannot be started twice in a process."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
NONE_HERE = "no Chromium on this machine: install one (Debian: apt-get install chromium) to run the browser tests"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        if os.environ.get("PIXELWISE_REQUIRE_BROWSER") == "1":
            pytest.fail(NONE_HERE)
        pytest.skip(NONE_HERE)
    # Playwright's loop runs in this thread, which Django takes for a mistake when it is asked for rows.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield chromium
        chromium.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]
