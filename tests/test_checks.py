"""Settings that cannot work are named, with the cure."""

from __future__ import annotations

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
    ],
)
def test_what_cannot_work_is_named_with_its_cure(settings: Any, setting: str, value: Any, expected: str) -> None:
    setattr(settings, setting, value)
    assert found() == [expected]
    assert all(message.hint for message in checks.run_checks(tags=["pixelwise"]))


def test_a_database_of_another_kind_is_named(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", "django.db.backends.sqlite3")
    assert found() == ["webapp.E003"]
