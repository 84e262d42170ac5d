"""How much of the disk each kind of file takes: measured by one worker at a time, an hour after the last time."""

from __future__ import annotations

from django.conf import settings

from webapp.pipeline.one_worker import only_one
from webapp.services import space


def measure_space() -> None:
    with only_one("space", 0) as is_mine:
        if is_mine and space.is_stale(settings.PIXELWISE_DATA):
            space.measure(settings.PIXELWISE_DATA)
