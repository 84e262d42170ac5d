"""Pictures for the docs, taken of a running Pixelwise with its example project.

PIXELWISE_ADMIN_EMAIL=... PIXELWISE_ADMIN_PASSWORD=... .venv/bin/python -m tests.browser.screenshots URL
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "images"
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
DESKTOP, PHONE = {"width": 1280, "height": 860}, {"width": 390, "height": 844}


def sign_in(page: Page, url: str) -> None:
    page.goto(f"{url}/sign-in")
    page.fill("input[name=username]", os.environ["PIXELWISE_ADMIN_EMAIL"])
    page.fill("input[name=password]", os.environ["PIXELWISE_ADMIN_PASSWORD"])
    page.click("form button[type=submit]")
    page.wait_for_url(f"{url}/")


def shoot(page: Page, address: str, name: str) -> None:
    page.goto(address)
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(800)
    page.screenshot(path=FOLDER / f"{name}.png")


def addresses(page: Page, url: str) -> dict[str, str]:
    """Pages of the first project with images: found by following links, as a person would."""
    page.goto(url)
    project = page.locator("a[href^='/p/']").first.get_attribute("href")
    found = {"projects": url, "dashboard": f"{url}{project}", "upload": f"{url}{project}batches/new"}
    found |= {"people": f"{url}/people", "account": f"{url}/account", "new-project": f"{url}/projects/new"}
    found |= {"batches": f"{url}{project}batches/", "images": f"{url}{project}images/", "api": f"{url}/api/docs"}
    page.goto(found["batches"])
    links = [link.get_attribute("href") or "" for link in page.locator("a").all()]
    batch = next(link for link in links if re.fullmatch(rf"{project}batches/\d+/", link))
    found["batch"] = f"{url}{batch}"
    page.goto(found["batch"])
    image = page.locator(f"a[href*='{project}images/'][href*='in=']").first.get_attribute("href")
    return found | {
        "image": f"{url}{image}",
        "models": f"{url}{project}models/",
        "settings": f"{url}{project}settings/",
    }


def main(url: str) -> None:
    FOLDER.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        page = browser.new_page(viewport=DESKTOP)
        shoot(page, f"{url}/sign-in", "sign-in")
        sign_in(page, url)
        pages = addresses(page, url)
        for name, address in pages.items():
            shoot(page, address, name)
        page.emulate_media(color_scheme="dark")
        shoot(page, pages["dashboard"], "dashboard-dark")
        page.emulate_media(color_scheme="light")
        page.set_viewport_size(PHONE)
        for name in ("dashboard", "batch", "image"):
            shoot(page, pages[name], f"{name}-phone")
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"))
