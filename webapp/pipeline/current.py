"""Which prediction of an image is the current one, the one dashboards count: that of the newest run."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import connection

from webapp.models import Prediction
from webapp.pipeline import rollups


def displace_current(newcomers: Mapping[int, int]) -> set[int]:
    """Count the current predictions over to the old where the newcomer's run is newer.

    `newcomers`: image id → id of the run whose result is about to count. Returns the image ids whose newcomer
    is to be the current one. The caller holds locks on the images.
    """
    older: dict[int, int] = {}
    staying: set[int] = set()
    for pk, image_id, run_id in _current(list(newcomers)):
        if run_id < newcomers[image_id]:
            older[image_id] = pk
        else:
            staying.add(image_id)
    displaced = list(older.values())
    rollups.subtract(displaced)
    Prediction.objects.filter(pk__in=displaced).update(is_current=False)
    rollups.add(displaced)
    return set(newcomers) - staying


def _current(image_ids: list[int]) -> list[tuple[int, int, int]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, image_id, run_id FROM prediction WHERE image_id = ANY(%s) AND is_current", [image_ids]
        )
        return cursor.fetchall()
