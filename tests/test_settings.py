"""Every setting is documented, and everything documented is a setting."""

from __future__ import annotations

import re
from pathlib import Path

from django.conf import settings

from tests.named_settings import NAMED_SETTINGS

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "settings.md"
# Read by docker-compose.yml alone.
OF_CONTAINERS = {
    "PIXELWISE_ADDRESS",
    "POSTGRES_PASSWORD",
    "CPU_WORKER_QUEUES",
    "CPU_TRAINERS",
    "TORCH_INDEX",
    "COMPOSE_PROFILES",
}


def test_settings_and_their_page_name_the_same() -> None:
    documented = set(re.findall(r"^\| `([A-Z_]+)`", DOCUMENT.read_text(), re.MULTILINE))
    assert len(NAMED_SETTINGS) > 20
    assert documented - OF_CONTAINERS == NAMED_SETTINGS


def test_nothing_long_waits_in_the_queue_of_batches() -> None:
    routes = {name: route["queue"] for name, route in settings.CELERY_TASK_ROUTES.items()}
    assert routes["webapp.tasks.segment_run"] == "gpu"
    assert routes["webapp.tasks.train"] == routes["webapp.tasks.evaluate"] == "train"


def test_every_task_of_the_clock_exists_and_expires_before_the_next() -> None:
    sweep = settings.CELERY_BEAT_SCHEDULE["sweep"]
    assert sweep["options"]["expires"] <= sweep["schedule"]
    assert settings.CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"] > settings.CELERY_TASK_TIME_LIMIT
