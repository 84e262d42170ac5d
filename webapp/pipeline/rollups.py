"""The roll-ups: hourly sums that dashboards read. Changed in the same transaction as the rows they sum.

What only a shadow run found is in none of them.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

_INSPECTION_KEY = ("project_id", "hour", "is_current", "model_version_id", "source_id")
_INSPECTION_SUMS = (
    "inspected_count",
    "fail_count",
    "final_fail_count",
    "first_pass_count",
    "waiting_count",
    "upload_time_count",
    "pixels",
)
_LABEL_KEY = ("project_id", "hour", "is_current", "model_version_id", "label_id", "source_id")
_LABEL_SUMS = ("affected_count", "pixels", "region_count")

_INSPECTION_ROWS = """
    SELECT image.project_id, date_trunc('hour', image.captured_at, 'UTC') AS hour, prediction.is_current,
           prediction.model_version_id, image.source_id,
           %(sign)s * count(*) AS inspected_count,
           %(sign)s * count(*) FILTER (WHERE prediction.verdict = 'fail') AS fail_count,
           %(sign)s * count(*) FILTER (WHERE coalesce(image.reviewed_verdict, prediction.verdict) = 'fail')
               AS final_fail_count,
           %(sign)s * count(*) FILTER (WHERE prediction.verdict = 'pass'
               AND coalesce(image.reviewed_verdict, 'pass') = 'pass') AS first_pass_count,
           %(sign)s * count(*) FILTER (WHERE prediction.verdict = 'fail' AND image.reviewed_verdict IS NULL)
               AS waiting_count,
           %(sign)s * count(*) FILTER (WHERE image.captured_at_from = 'upload') AS upload_time_count,
           %(sign)s * sum(image.width_px::bigint * image.height_px)::bigint AS pixels
    FROM prediction JOIN image ON image.id = prediction.image_id
    WHERE prediction.state = 'done' AND NOT prediction.is_shadow AND {which}
    GROUP BY 1, 2, 3, 4, 5
"""

_LABEL_ROWS = """
    SELECT image.project_id, date_trunc('hour', image.captured_at, 'UTC') AS hour, prediction.is_current,
           prediction.model_version_id, measurement.label_id, image.source_id,
           %(sign)s * count(*) FILTER (WHERE measurement.largest_region_px
               >= coalesce(measurement.min_region_px, prediction.min_region_px)) AS affected_count,
           %(sign)s * sum(measurement.pixels)::bigint AS pixels,
           %(sign)s * sum(measurement.region_count)::bigint AS region_count
    FROM measurement
    JOIN prediction ON prediction.id = measurement.prediction_id
    JOIN image ON image.id = prediction.image_id
    WHERE prediction.state = 'done' AND NOT prediction.is_shadow AND {which}
    GROUP BY 1, 2, 3, 4, 5, 6
"""

_BY_PREDICTION = "prediction.id = ANY(%(predictions)s)"
_BY_PROJECT = "image.project_id = %(project)s"


@dataclass(frozen=True)
class _Rollup:
    table: str
    key: tuple[str, ...]
    sums: tuple[str, ...]
    rows: str

    def upsert(self, which: str) -> str:
        """SQL that adds the sums of the chosen predictions; rows in key order, so that workers never deadlock."""
        columns = ", ".join(self.key + self.sums)
        added = ", ".join(f"{name} = {self.table}.{name} + excluded.{name}" for name in self.sums)
        order = ", ".join(str(place) for place in range(1, len(self.key) + 1))
        return (
            f"INSERT INTO {self.table} ({columns}) {self.rows.format(which=which)} ORDER BY {order} "
            f"ON CONFLICT ({', '.join(self.key)}) DO UPDATE SET {added}"
        )

    def difference(self) -> str:
        """SQL that gives stored rows unlike a recount, in either direction; rows of zeros count as absent."""
        columns = ", ".join(self.key + self.sums)
        not_zero = " OR ".join(f"{name} <> 0" for name in self.sums)
        stored = f"SELECT {columns} FROM {self.table} WHERE project_id = %(project)s AND ({not_zero})"  # noqa: S608
        counted = f"SELECT {columns} FROM ({self.rows.format(which=_BY_PROJECT)}) AS recount WHERE {not_zero}"  # noqa: S608
        return f"(({stored}) EXCEPT ({counted})) UNION ALL (({counted}) EXCEPT ({stored}))"


_ROLLUPS = (
    _Rollup("inspection_rollup", _INSPECTION_KEY, _INSPECTION_SUMS, _INSPECTION_ROWS),
    _Rollup("label_rollup", _LABEL_KEY, _LABEL_SUMS, _LABEL_ROWS),
)


def add(prediction_ids: Collection[int]) -> None:
    """Count these predictions in, as their rows stand now."""
    _change(prediction_ids, sign=1)


def subtract(prediction_ids: Collection[int]) -> None:
    """Count these predictions out; call it before their rows change."""
    _change(prediction_ids, sign=-1)


def _change(prediction_ids: Collection[int], sign: int) -> None:
    if not prediction_ids:
        return
    with connection.cursor() as cursor:
        for rollup in _ROLLUPS:
            cursor.execute(rollup.upsert(_BY_PREDICTION), {"sign": sign, "predictions": list(prediction_ids)})


def rebuild(project_id: int) -> None:
    """Count everything of a project again from its rows. Workers that write meanwhile wait."""
    with transaction.atomic(), connection.cursor() as cursor:
        for rollup in _ROLLUPS:
            cursor.execute(f"LOCK TABLE {rollup.table} IN SHARE ROW EXCLUSIVE MODE")
        for rollup in _ROLLUPS:
            cursor.execute(f"DELETE FROM {rollup.table} WHERE project_id = %s", [project_id])  # noqa: S608
            cursor.execute(rollup.upsert(_BY_PROJECT), {"sign": 1, "project": project_id})


def differences(project_id: int) -> list[tuple[Any, ...]]:
    """Roll-up rows that disagree with a recount; empty when every number is right."""
    found: list[tuple[Any, ...]] = []
    with connection.cursor() as cursor:
        for rollup in _ROLLUPS:
            cursor.execute(rollup.difference(), {"sign": 1, "project": project_id})
            found += [(rollup.table, *row) for row in cursor.fetchall()]
    return found
