"""From buttons of a page to a worker and back: a version judged on a hold-out, compared and put live."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from pathlib import Path

import httpx
import pytest

from tests.flows.stack import EMAIL, PASSWORD, Stack
from tests.flows.test_story import LABELS
from tests.flows.test_training import write_folder
from tests.images import picture, png

pytestmark = [pytest.mark.slow]

IMAGES = 4


@contextmanager
def browsing(stack: Stack) -> Iterator[httpx.Client]:
    """A signed-in person's browser, without its scripts."""
    with httpx.Client(base_url=stack.url, follow_redirects=True, timeout=60) as browser:
        press(browser, "/sign-in", "/sign-in", username=EMAIL, password=PASSWORD)
        yield browser


def press(browser: httpx.Client, page: str, action: str, **fields: str) -> str:
    """Send the form of `page` that goes to `action` with its hidden fields; returns the page that follows."""
    shown = browser.get(page).text
    forms = re.findall(r"<form\b.*?</form>", shown, re.DOTALL)
    form = next((form for form in forms if f'action="{action}"' in form), forms[0] if page == action else None)
    assert form is not None, (
        f"{page} has no form that goes to {action}: {' '.join(re.sub('<[^>]+>', ' ', shown).split())}"
    )
    hidden = [tag for tag in re.findall(r"<input\b[^>]*>", form) if 'type="hidden"' in tag]
    values = {_attribute(tag, "name"): _attribute(tag, "value") for tag in hidden}
    answer = browser.post(action, data={**values, **fields}, headers={"Referer": f"{browser.base_url}{page}"})
    assert answer.status_code == 200, (action, answer.status_code)
    return answer.text


def _attribute(tag: str, name: str) -> str:
    found = re.search(rf'\b{name}="([^"]*)"', tag)
    return unescape(found.group(1)) if found else ""


@pytest.fixture
def slug(stack: Stack, client: httpx.Client, tmp_path: Path) -> str:
    """A project whose live version 1 has judged four images and whose version 2 is new; with a hold-out of four."""
    project: str = client.post("projects", json={"name": "Promoting", "labels": LABELS}).json()["slug"]
    stack.manage("import_dataset", str(write_folder(tmp_path / "parts")), "--project", project)
    stack.manage("train", "--project", project, "--architecture", "nearest-color")
    drawn = [png(picture(red=0.5 if mark % 2 else 0, mark=mark + 700)) for mark in range(IMAGES)]
    files = [("files", (f"{place}.png", content)) for place, content in enumerate(drawn)]
    batch_id = client.post(f"projects/{project}/batches", files=files).json()["id"]
    stack.finished_batch(client, batch_id)
    # What the command trains goes live; a version that is added waits for somebody to put it live.
    client.post(f"projects/{project}/models", json={"kind": "colors"}).raise_for_status()
    return project


def test_a_version_is_judged_compared_and_put_live(stack: Stack, client: httpx.Client, slug: str) -> None:
    models = f"/p/{slug}/models/"
    by_number = {row["number"]: row for row in client.get(f"projects/{slug}/models").json()}
    new = by_number[2]
    with browsing(stack) as browser:
        press(browser, models, f"{models}2/evaluate")

        def judged() -> dict[str, object] | None:
            told = client.get(f"projects/{slug}/models/{new['id']}/evaluation").json()
            return told if told["state"] in ("done", "failed") else None

        evaluation = stack.wait_for(judged, "the evaluation to end", seconds=120)
        assert (evaluation["state"], evaluation["error"]) == ("done", "")
        assert evaluation["image_count"] == 4

        press(browser, f"{models}2/promote", f"{models}2/shadow", image_count=str(IMAGES))

        def compared() -> str | None:
            shown = browser.get(f"{models}2/promote").text
            return shown if f'action="{models}2/live"' in shown else None

        assert "No verdict would change" in stack.wait_for(compared, "the comparison to end", seconds=120)
        told = press(browser, f"{models}2/promote", f"{models}2/live", note="from a page")
        assert "Version 2 is live." in told

    (newest, *_) = client.get(f"projects/{slug}/promotions").json()
    assert newest["note"] == "from a page"
    assert client.get(f"projects/{slug}/dashboard").json()["inspected"] == IMAGES, "a comparison counts nowhere"
