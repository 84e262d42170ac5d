"""/metrics for Prometheus, /status for the administrator, and the id of every request."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from tests.inspections import Plant, build_plant
from tests.views.visit import words
from webapp.models import Prediction, Run, User, Workspace
from webapp.services import heartbeat, pace

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def empty_pace() -> None:
    with heartbeat.redis_client() as redis:
        redis.delete("pixelwise:pace")


@pytest.fixture
def plant(acme: Workspace) -> Plant:
    return build_plant(acme)


def scraped(client: Client) -> dict[tuple[str, str], float]:
    answer = client.get("/metrics", headers={"authorization": "Bearer secret"})
    assert answer.status_code == 200
    return {
        (sample.name, next(iter(sample.labels.values()), "")): sample.value
        for family in text_string_to_metric_families(answer.content.decode())
        for sample in family.samples
    }


def test_metrics_count_what_waits_failed_and_was_inspected(client: Client, settings: Any, plant: Plant) -> None:
    settings.PIXELWISE_METRICS_TOKEN = "secret"
    plant.image({"pit": [30]})
    for state, error in (("queued", ""), ("failed", "cut short: 3 of 9 rows"), ("failed", "cut short: 1 of 9 rows")):
        image = plant.image()
        Prediction.objects.filter(image=image).update(state=state, error=error, is_current=False)
    Run.objects.update(state="running", finished_at=None)
    plant.count_up()
    pace.add(16, {"model": 1.5, "saving": 0.25})
    found = scraped(client)
    assert found["pixelwise_waiting", "images"] == 1
    assert found["pixelwise_failed_images", "cut short"] == 2
    assert found["pixelwise_inspected_images", ""] == Prediction.objects.filter(state="done").count() == 1
    assert found["pixelwise_segmented_images_total", ""] == 16
    assert found["pixelwise_segmenting_seconds_total", "model"] == 1.5
    assert found["pixelwise_up", "database"] == 1


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer wrong", "Basic secret"])
def test_metrics_are_not_there_for_others(client: Client, settings: Any, given: str) -> None:
    settings.PIXELWISE_METRICS_TOKEN = "secret"
    assert client.get("/metrics", headers={"authorization": given}).status_code == 404
    settings.PIXELWISE_METRICS_TOKEN = ""
    assert client.get("/metrics", headers={"authorization": "Bearer "}).status_code == 404


def test_status_is_for_the_administrator_of_the_installation(client: Client, plant: Plant, alice: User) -> None:
    assert client.get("/status").status_code == 302
    client.force_login(alice)
    assert client.get("/status").status_code == 403
    User.objects.filter(pk=alice.pk).update(is_superuser=True)
    pace.add(8, {"model": 4.0})
    page = client.get("/status")
    assert page.status_code == 200
    said = words(page.content.decode())
    assert "worker-train" in said
    assert "8 segmented at 2.0 a second" in said
    assert "prediction" in said


def test_every_answer_has_an_id_and_a_proxys_is_kept(client: Client) -> None:
    first, second = (client.get("/healthz").headers["X-Request-ID"] for _ in range(2))
    assert len(first) == 32
    assert first != second
    assert client.get("/healthz", headers={"x-request-id": "from-proxy-17"}).headers["X-Request-ID"] == "from-proxy-17"
    odd = client.get("/healthz", headers={"x-request-id": "a b<script>"}).headers["X-Request-ID"]
    assert odd != "a b<script>"
