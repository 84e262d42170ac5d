"""/metrics for Prometheus, /status for the administrator, and the id of every request."""

from __future__ import annotations

import json
import os
import socket
import time
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from tests.inspections import Plant, build_plant
from tests.views.visit import words
from webapp.models import Prediction, Run, User, Workspace
from webapp.services import heartbeat, pace, roll_call, space

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def empty_pace() -> None:
    with heartbeat.redis_client() as redis:
        redis.delete("pixelwise:pace", "pixelwise:workers", "pixelwise:devices")
        for key in redis.keys("pixelwise:recent:*"):
            redis.delete(key)


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
    roll_call.answer(["gpu"], started_at=time.time())
    found = scraped(client)
    assert found["pixelwise_waiting", "images"] == 1
    assert found["pixelwise_failed_images", "cut short"] == 2
    assert found["pixelwise_inspected_images", ""] == Prediction.objects.filter(state="done").count() == 1
    assert found["pixelwise_segmented_images_total", ""] == 16
    assert found["pixelwise_segmenting_seconds_total", "model"] == 1.5
    assert found["pixelwise_up", "database"] == 1
    assert found["pixelwise_workers", "gpu"] == 1
    assert found["pixelwise_queued_tasks", "cpu"] >= 0
    assert found["pixelwise_images_per_second", ""] >= 0


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer wrong", "Basic secret"])
def test_metrics_are_not_there_for_others(client: Client, settings: Any, given: str) -> None:
    settings.PIXELWISE_METRICS_TOKEN = "secret"
    assert client.get("/metrics", headers={"authorization": given}).status_code == 404
    settings.PIXELWISE_METRICS_TOKEN = ""
    assert client.get("/metrics", headers={"authorization": "Bearer "}).status_code == 404


def test_status_is_for_the_administrator_of_the_installation(
    client: Client, plant: Plant, alice: User, settings: Any
) -> None:
    assert client.get("/status").status_code == 302
    client.force_login(alice)
    assert client.get("/status").status_code == 403
    User.objects.filter(pk=alice.pk).update(is_superuser=True)
    pace.add(8, {"model": 4.0})
    (settings.PIXELWISE_DATA / "originals").mkdir(parents=True)
    (settings.PIXELWISE_DATA / "originals" / "photo").write_bytes(b"x")
    space.measure(settings.PIXELWISE_DATA)
    roll_call.answer(["gpu"], started_at=time.time())
    with heartbeat.redis_client() as redis:
        redis.hset("pixelwise:devices", f"{socket.gethostname()}:{os.getpid()}", "cuda:1, onnx")
        gone = {"queues": ["train"], "started_at": 0, "at": time.time() - 120}
        redis.hset("pixelwise:workers", "line-pc:7", json.dumps(gone))
    page = client.get("/status")
    assert page.status_code == 200
    said = words(page.content.decode())
    assert "worker-train" in said
    assert "8 segmented at 2.0 a second" in said
    assert "prediction" in said
    assert "cuda:1, onnx" in said
    assert "line-pc" in said
    assert "silent for 2 minutes" in said
    assert "Queue" in said
    assert "Photos 1" in said, "space by kind"


def test_images_per_second_is_of_the_last_full_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000_000.0
    monkeypatch.setattr(pace.time, "time", lambda: now)
    pace.add(30, {})
    now += 10
    pace.add(600, {})
    assert pace.recent_images_per_second() == 0.5
    now += 10
    assert pace.recent_images_per_second() == 10.5


def test_space_is_counted_by_kind_and_measured_anew_after_an_hour(tmp_path: Path) -> None:
    for name, size in (("originals/ab/x", 50_000), ("thumbnails/ab/x.webp", 20_000), ("run/lock", 1), ("odd/file", 1)):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * size)
    assert space.is_stale(tmp_path)
    space.measure(tmp_path)
    measured = space.last_measured(tmp_path)
    assert measured is not None
    assert [(kind.name, kind.file_count) for kind in measured.kinds] == [
        ("photos", 1),
        ("previews of photos", 1),
        ("other", 2),
    ]
    assert 50_000 <= measured.kinds[0].size_bytes < 60_000
    assert not space.is_stale(tmp_path)


def test_every_answer_has_an_id_and_a_proxys_is_kept(client: Client) -> None:
    first, second = (client.get("/healthz").headers["X-Request-ID"] for _ in range(2))
    assert len(first) == 32
    assert first != second
    assert client.get("/healthz", headers={"x-request-id": "from-proxy-17"}).headers["X-Request-ID"] == "from-proxy-17"
    odd = client.get("/healthz", headers={"x-request-id": "a b<script>"}).headers["X-Request-ID"]
    assert odd != "a b<script>"
