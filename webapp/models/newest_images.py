"""The newest pictures of projects, to recognise each by."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from django.db import connection

_NEWEST = """
    SELECT wanted.project_id, newest.id, prediction.id
    FROM unnest(%(projects)s::bigint[]) AS wanted (project_id)
    CROSS JOIN LATERAL (
        SELECT image.id, image.captured_at FROM image
        WHERE image.project_id = wanted.project_id
        ORDER BY image.captured_at DESC, image.id DESC
        LIMIT %(count)s
    ) AS newest
    LEFT JOIN prediction ON prediction.image_id = newest.id AND prediction.is_current
    ORDER BY wanted.project_id, newest.captured_at DESC, newest.id DESC
"""


@dataclass(frozen=True)
class NewestImage:
    """`prediction_id` is of its newest result, None before it has one."""

    image_id: int
    prediction_id: int | None


def newest_images(project_ids: Collection[int], *, count: int) -> dict[int, list[NewestImage]]:
    """Up to `count` images of each project by time of capture, newest first; one query."""
    found: dict[int, list[NewestImage]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_NEWEST, {"projects": list(project_ids), "count": count})
        for project_id, image_id, prediction_id in cursor.fetchall():
            found[project_id].append(NewestImage(image_id, prediction_id))
    return found
