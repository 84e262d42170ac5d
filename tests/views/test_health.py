"""/healthz: 200 and each part's state, 503 where one is down."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from webapp.services import heartbeat

pytestmark = pytest.mark.django_db

ALL = ("database", "storage", "queue", "worker-gpu", "worker-cpu", "worker-train", "clock")


@pytest.fixture(autouse=True)
def no_signs_of_life() -> None:
    heartbeat.take_back(heartbeat.NAMES)


def test_up_when_everything_gave_a_sign_of_life(client: Client) -> None:
    heartbeat.sign(heartbeat.NAMES)
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "up", "parts": dict.fromkeys(ALL, "up")})
    assert "no-store" in answer.headers["Cache-Control"]


def test_down_when_a_worker_is_missing(client: Client) -> None:
    heartbeat.sign(["worker-cpu", "worker-train", "clock"])
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert answer.json()["parts"] == {**dict.fromkeys(ALL, "up"), "worker-gpu": "down"}
    assert client.get("/healthz?only=database,queue,storage").status_code == 200


def test_sign_of_life_fades(client: Client) -> None:
    heartbeat.sign(heartbeat.NAMES)
    with heartbeat.redis_client() as redis:
        for name in heartbeat.NAMES:
            assert 0 < redis.ttl(f"pixelwise:alive:{name}") <= heartbeat.FADES_AFTER_SECONDS


def test_down_without_queue(client: Client, settings: Any, tmp_path: Path) -> None:
    settings.REDIS_CLIENT_URL = f"unix://{tmp_path / 'nobody-listens.sock'}"
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert {name for name, state in answer.json()["parts"].items() if state == "down"} == {
        "queue",
        *heartbeat.NAMES,
    }


def test_down_without_data_folder(client: Client, settings: Any, tmp_path: Path) -> None:
    heartbeat.sign(heartbeat.NAMES)
    settings.PIXELWISE_DATA = tmp_path / "gone"
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()["parts"]["storage"]) == (503, "down")


def test_unknown_part_is_not_taken_for_one_that_works(client: Client) -> None:
    answer = client.get("/healthz?only=databse")
    assert (answer.status_code, answer.json()["parts"]) == (503, {"databse": "unknown"})
