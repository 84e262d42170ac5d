"""Photos in, defect rate and CSV out: over HTTP, with real workers, against areas known before."""

from __future__ import annotations

import csv
import io

import httpx
import pytest

from tests.flows.stack import EMAIL, PASSWORD, Stack
from tests.images import picture, png

pytestmark = [pytest.mark.slow]

LABELS = [
    {"name": "background", "color": "#808080", "is_defect": False},
    {"name": "rust", "color": "#dc1e1e", "is_defect": True},
    {"name": "paint", "color": "#1e3cdc", "is_defect": False},
]
PICTURES = {
    "shift 1/clean.png": png(picture(mark=1)),
    "shift 1/quarter.png": png(picture(red=0.2, mark=2)),
    "shift 2/half.png": png(picture(red=0.5, blue=0.1, mark=3)),
    "shift 2/painted.png": png(picture(blue=0.3, mark=4)),
}
RED_PX = {"shift 1/quarter.png": 240, "shift 2/half.png": 600}
BLUE_PX = {"shift 2/half.png": 120, "shift 2/painted.png": 360}
TOTAL_PX = 4 * 1200


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.lstrip("\ufeff"))))


def test_known_areas_reach_dashboard_page_and_csv(stack: Stack, client: httpx.Client) -> None:
    project = client.post("projects", json={"name": "Story", "labels": LABELS}).json()
    slug = project["slug"]

    waiting = client.post(
        f"projects/{slug}/batches",
        files=[("files", (name, content)) for name, content in PICTURES.items()]
        + [("files", ("fake.jpg", b"no picture")), ("files", ("again.png", PICTURES["shift 1/clean.png"]))],
        data={"name": "first", "names": [*PICTURES, "fake.jpg", "again.png"]},
    )
    assert waiting.status_code == 201, waiting.text
    batch_id = waiting.json()["id"]
    assert client.get(f"batches/{batch_id}").json()["status"] == "queued"

    model = stack.manage_json("train", "--project", slug, "--architecture", "nearest-color")["model"]
    batch = stack.finished_batch(client, batch_id)
    assert batch["status"] == "done"
    assert (batch["image_count"], batch["done_count"], batch["failed_count"]) == (4, 4, 0)
    assert batch["duplicate_count"] == 1
    assert [row["name"] for row in batch["rejected"]] == ["fake.jpg"]
    assert [row["id"] for row in client.get(f"projects/{slug}/models").json()] == [model]

    dashboard = client.get(f"projects/{slug}/dashboard").json()
    assert (dashboard["inspected"], dashboard["defective"], dashboard["n"]) == (4, 2, 4)
    assert dashboard["defect_rate"] == 0.5
    low, high = dashboard["defect_rate_interval"]
    assert (round(low, 4), round(high, 4)) == (0.15, 0.85)
    labels = {row["label"]: row for row in dashboard["labels"]}
    assert labels["rust"]["pixels"] == sum(RED_PX.values())
    assert labels["paint"]["pixels"] == sum(BLUE_PX.values())
    assert labels["background"]["pixels"] == TOTAL_PX - sum(RED_PX.values()) - sum(BLUE_PX.values())
    assert labels["rust"]["area_fraction"] == pytest.approx(840 / TOTAL_PX)
    assert labels["rust"]["affected_count"] == 2

    images = rows(client.get(f"projects/{slug}/reports/images.csv").text)
    assert {row["name"] for row in images} == set(PICTURES)
    assert {row["name"] for row in images if row["verdict"] == "fail"} == set(RED_PX)
    measured = rows(client.get(f"projects/{slug}/reports/labels.csv").text)
    assert len(measured) == 4 * 3
    assert {row["name"]: int(row["pixels"]) for row in measured if row["label"] == "rust"} == {
        name: RED_PX.get(name, 0) for name in PICTURES
    }

    known = {item["name"]: item for item in client.get(f"batches/{batch_id}/images").json()["items"]}
    image = client.get(f"images/{known['shift 2/half.png']['id']}").json()
    assert (image["verdict"], image["width"], image["height"]) == ("fail", 40, 30)
    assert [row["pixels"] for row in image["measurements"]] == [480, 600, 120]
    mask = client.get(f"images/{image['id']}/mask.png")
    assert mask.headers["content-type"] == "image/png"


def test_page_shows_the_same_numbers(stack: Stack, client: httpx.Client) -> None:
    slug = client.post("projects", json={"name": "Page", "labels": LABELS}).json()["slug"]
    stack.manage("train", "--project", slug, "--architecture", "nearest-color")
    files = [("files", (f"{mark}.png", png(picture(red=0.3 if mark < 3 else 0, mark=mark + 50)))) for mark in range(12)]
    batch_id = client.post(f"projects/{slug}/batches", files=files).json()["id"]
    stack.finished_batch(client, batch_id)
    page = signed_in_page(stack, f"/p/{slug}/")
    assert "25.0" in page
    assert "n = 12" in page or "of 12" in page


def signed_in_page(stack: Stack, path: str) -> str:
    with httpx.Client(base_url=stack.url, follow_redirects=True) as browser:
        form = browser.get("/sign-in")
        token = form.text.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
        browser.post(
            "/sign-in",
            data={"username": EMAIL, "password": PASSWORD, "csrfmiddlewaretoken": token},
            headers={"Referer": stack.url},
        )
        answer = browser.get(path)
        assert answer.status_code == 200, answer.status_code
        return answer.text
