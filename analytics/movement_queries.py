"""Failed and inspected images by source, model version, batch and hour of day: what may stand behind a change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, LiteralString

from psycopg import sql

from analytics.relations import FINAL_VERDICT, chosen_rows, inspected, parameters
from analytics.scope import Scope
from analytics.statistics.movement import Tally

Breakdown = Mapping[str, Mapping[str, Tally]]
"""Dimension → value → its tally. The values of one dimension cover the images once each."""

MOST_BATCHED_COUNT = 5_000
"""Batches are counted from rows, so only among so many images."""

MOST_HOURLY_DAYS = timedelta(days=62)
"""Hours of the day are counted from hourly sums, so only over so long."""

_BY_ORIGIN: LiteralString = """
    SELECT counted.kind, CASE WHEN counted.kind = 1
               THEN coalesce(nullif(concat_ws(' / ', nullif(source.site, ''), source.name), ''), 'none')
               ELSE 'v' || model_version.number END,
           counted.defective, counted.n
    FROM (
        SELECT grouping(source_id) * 2 + grouping(model_version_id) AS kind, source_id, model_version_id,
               sum(defective_count)::bigint AS defective, sum(inspected_count)::bigint AS n
        FROM ({inspected}) AS inspected
        GROUP BY GROUPING SETS ((source_id), (model_version_id))
    ) AS counted
    LEFT JOIN source ON source.id = counted.source_id
    LEFT JOIN model_version ON model_version.id = counted.model_version_id
    WHERE counted.n > 0
"""

_BY_HOUR: LiteralString = """
    SELECT extract(hour FROM captured_at AT TIME ZONE %(time_zone)s::text)::int AS hour_of_day,
           sum(defective_count)::bigint, sum(inspected_count)::bigint
    FROM ({inspected}) AS inspected GROUP BY hour_of_day HAVING sum(inspected_count) > 0
"""

_BY_BATCH: LiteralString = """
    SELECT coalesce(batch.name || ' (' || batch.id || ')', 'deleted'),
           count(*) FILTER (WHERE {final} = 'fail'), count(*)
    FROM prediction
    JOIN image ON image.id = prediction.image_id
    JOIN run ON run.id = prediction.run_id
    LEFT JOIN batch ON batch.id = run.batch_id
    WHERE {chosen} GROUP BY batch.id
"""


def breakdown(cursor: Any, scope: Scope, *, inspected_count: int, length: timedelta) -> dict[str, dict[str, Tally]]:
    """The scope's images by what they came from. `length`: of the time its images span.

    Hours are left out over long periods, batches among many images or where a label is asked for.
    """
    found: dict[str, dict[str, Tally]] = {"source": {}, "model": {}}
    cursor.execute(_text(_BY_ORIGIN, inspected(scope, by="source")), parameters(scope))
    for kind, name, count, n in cursor.fetchall():
        found["source" if kind == 1 else "model"][name] = Tally(count, n)
    if length <= MOST_HOURLY_DAYS and scope.hour is None:
        cursor.execute(_text(_BY_HOUR, inspected(scope, by="time", by_hour=True)), parameters(scope))
        found["hour"] = {f"{hour:02}:00": Tally(count, n) for hour, count, n in cursor.fetchall()}
    if inspected_count <= MOST_BATCHED_COUNT and scope.label_id is None:
        statement = sql.SQL(_BY_BATCH).format(final=sql.SQL(FINAL_VERDICT), chosen=chosen_rows(scope))
        cursor.execute(statement.as_string(None), parameters(replace(scope, label_id=None)))
        found["batch"] = {name: Tally(count, n) for name, count, n in cursor.fetchall()}
    return found


def _text(template: LiteralString, relation: sql.Composable) -> str:
    return sql.SQL(template).format(inspected=relation).as_string(None)
