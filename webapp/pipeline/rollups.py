"""The roll-ups: sums that dashboards read. Changed in the same transaction as the rows they sum.

A project's roll-ups are written by one transaction at a time: its lock is taken at the first change and kept until
the transaction ends, so that writers never wait for each other in a circle.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from webapp.pipeline.rollup_tables import DROP_COUNTED, TABLES, change_sql, count_sql

# Sets these locks apart from others that name a project by its id.
_LOCK = 2**40

# For sorting and grouping a whole project; PostgreSQL's own default of 4 MB sends every step to the disk.
_WORK_MEMORY = "64MB"

_LOCK_PROJECTS = f"""
    SELECT pg_advisory_xact_lock({_LOCK} + project_id)
    FROM (
        SELECT DISTINCT project_id FROM prediction
        WHERE id = ANY(%(predictions)s) AND project_id IS NOT NULL ORDER BY 1
    ) AS touched
"""  # noqa: S608


def add(prediction_ids: Collection[int]) -> None:
    """Count these predictions in, as their rows stand now."""
    _change(prediction_ids, sign=1)


def subtract(prediction_ids: Collection[int]) -> None:
    """Count these predictions out; call it before their rows change."""
    _change(prediction_ids, sign=-1)


def _change(prediction_ids: Collection[int], sign: int) -> None:
    if not prediction_ids:
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_LOCK_PROJECTS, {"predictions": list(prediction_ids)})
        values = {"zone": settings.TIME_ZONE, "sign": sign, "predictions": list(prediction_ids)}
        cursor.execute(change_sql(), values)


def rebuild(project_id: int) -> None:
    """Count everything of a project again from its rows. Workers that write for it meanwhile wait."""
    with transaction.atomic(), connection.cursor() as cursor:
        # Nobody deletes the project's labels or sources meanwhile: that takes this row for update.
        cursor.execute("SELECT FROM project WHERE id = %s FOR KEY SHARE", [project_id])
        cursor.execute("SELECT pg_advisory_xact_lock(%s + %s)", [_LOCK, project_id])
        for table in TABLES:
            cursor.execute(f"DELETE FROM {table.name} WHERE project_id = %s", [project_id])  # noqa: S608
        with _counted(cursor, project_id):
            for table in TABLES:
                cursor.execute(table.insert())


def differences(project_id: int) -> list[tuple[Any, ...]]:
    """Roll-up rows that disagree with a recount; empty when every number is right."""
    found: list[tuple[Any, ...]] = []
    with transaction.atomic(), connection.cursor() as cursor, _counted(cursor, project_id):
        for table in TABLES:
            cursor.execute(table.differences(), {"project": project_id})
            found += [(table.name, *row) for row in cursor.fetchall()]
    return found


@contextmanager
def _counted(cursor: CursorWrapper, project_id: int) -> Iterator[None]:
    """All of a project counted into temporary tables for the duration of a block inside a transaction."""
    cursor.execute("SELECT set_config('work_mem', %s, true)", [_WORK_MEMORY])
    for statement in count_sql():
        cursor.execute(statement, {"zone": settings.TIME_ZONE, "sign": 1, "project": project_id})
    yield
    cursor.execute(DROP_COUNTED)
