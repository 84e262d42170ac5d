"""Settings that cannot work are named, with the cure."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core import checks


def found() -> list[str]:
    return [str(message.id) for message in checks.run_checks(tags=["pixelwise"])]


def test_nothing_to_say_about_what_works() -> None:
    assert found() == []


@pytest.mark.parametrize(
    ("setting", "value", "expected"),
    [
        ("PIXELWISE_DEVICE", "tpu", "webapp.E001"),
        ("REDIS_URL", "amqp://localhost", "webapp.E002"),
        ("ALLOWED_HOSTS", ["*"], "webapp.W001"),
        ("PIXELWISE_STORAGE", "photos/plant", "webapp.E004"),
        ("PIXELWISE_STORAGE_KEY", "only-half", "webapp.E005"),
        ("PIXELWISE_STORAGE_ENDPOINT", "minio:9000", "webapp.E006"),
        ("PIXELWISE_WATCH_FOLDERS", ["cameras"], "webapp.E007"),
        ("PIXELWISE_WATCH_FOLDERS", ["/"], "webapp.E007"),
        ("PIXELWISE_BUCKET_ENDPOINTS", ["https://user@minio"], "webapp.E008"),
    ],
)
def test_what_cannot_work_is_named_with_its_cure(settings: Any, setting: str, value: Any, expected: str) -> None:
    setattr(settings, setting, value)
    assert found() == [expected]
    assert all(message.hint for message in checks.run_checks(tags=["pixelwise"]))


def test_a_database_of_another_kind_is_named(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", "django.db.backends.sqlite3")
    assert found() == ["webapp.E003"]


def test_behind_https_djangos_own_deployment_check_is_clean(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=Path(__file__).parents[1],
        env={
            name: value for name, value in os.environ.items() if name not in ("SECRET_KEY", "DJANGO_ALLOW_ASYNC_UNSAFE")
        }
        | {"PIXELWISE_HTTPS": "1", "PIXELWISE_DATA": str(tmp_path), "DJANGO_SETTINGS_MODULE": "webapp.settings"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout + done.stderr
