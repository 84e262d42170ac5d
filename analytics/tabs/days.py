"""Which daily sums a scope is about: the roll-ups by day, or the rows themselves for a batch or a single hour.

Both give relations of the same columns. Values only ever travel as parameters.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, LiteralString

from psycopg import sql

from analytics.buckets import AREA_BUCKETS, area_bucket_sql, place_cell_sql
from analytics.relations import AFFECTED, CHOSEN_ROWS, parameters
from analytics.scope import Scope

_CHOSEN: LiteralString = """
    project_id = %(project_id)s
    AND (CASE WHEN %(model_version_id)s::bigint IS NULL THEN is_current
              ELSE model_version_id = %(model_version_id)s::bigint END)
    AND (%(source_id)s::bigint IS NULL OR coalesce(source_id, 0) = %(source_id)s::bigint)
"""

_IN_DAYS: LiteralString = """
    AND (%(first_day)s::date IS NULL OR day >= %(first_day)s::date)
    AND (%(last_day)s::date IS NULL OR day <= %(last_day)s::date)
"""

_LOOKS: LiteralString = """
    confidence_count, confidence_sum, confidence_squares, feature_count, brightness_sum, brightness_squares,
    sharpness_sum, sharpness_squares, warmth_sum, warmth_squares
"""

_INSPECTED_DAYS: LiteralString = """
    SELECT source_id, model_version_id, day, inspected_count, final_fail_count, fail_count, pixels, {looks}
    FROM inspection_day WHERE {chosen}
"""

_LOCAL_DAY: LiteralString = "(image.captured_at AT TIME ZONE %(time_zone)s::text)::date"

_INSPECTED_ROWS: LiteralString = """
    SELECT image.source_id, prediction.model_version_id, {day} AS day, 1 AS inspected_count,
           (coalesce(image.reviewed_verdict, prediction.verdict) = 'fail')::int AS final_fail_count,
           (prediction.verdict = 'fail')::int AS fail_count, image.width_px::bigint * image.height_px AS pixels,
           (prediction.confidence IS NOT NULL)::int AS confidence_count,
           coalesce(round(prediction.confidence * 10000)::bigint, 0) AS confidence_sum,
           coalesce((round(prediction.confidence * 10000)::bigint) ^ 2, 0)::bigint AS confidence_squares,
           (prediction.brightness IS NOT NULL)::int AS feature_count,
           coalesce(prediction.brightness, 0)::bigint AS brightness_sum,
           coalesce(prediction.brightness::bigint ^ 2, 0)::bigint AS brightness_squares,
           coalesce(prediction.sharpness, 0)::bigint AS sharpness_sum,
           coalesce(prediction.sharpness::bigint ^ 2, 0)::bigint AS sharpness_squares,
           coalesce(prediction.warmth, 0)::bigint AS warmth_sum,
           coalesce(prediction.warmth::bigint ^ 2, 0)::bigint AS warmth_squares
    FROM prediction JOIN image ON image.id = prediction.image_id
    WHERE {rows}
"""

_LABEL_DAYS: LiteralString = """
    SELECT source_id, label_id, day, affected_count, pixels, region_count FROM label_day WHERE {chosen}
"""

_LABEL_ROWS: LiteralString = """
    SELECT image.source_id, measurement.label_id, {day} AS day, ({affected})::int AS affected_count,
           measurement.pixels, measurement.region_count::bigint AS region_count
    FROM measurement
    JOIN prediction ON prediction.id = measurement.prediction_id
    JOIN image ON image.id = prediction.image_id
    WHERE {rows}
"""

# Whole months stand in one row, the days before and after them in rows of their own.
_SPREAD_DAYS: LiteralString = """
    SELECT label_id, start, area_counts, place_counts FROM spread_rollup
    WHERE project_id = %(project_id)s
      AND is_all_sources = (%(source_id)s::bigint IS NULL)
      AND (%(source_id)s::bigint IS NULL OR coalesce(source_id, 0) = %(source_id)s::bigint)
      AND (CASE WHEN %(model_version_id)s::bigint IS NULL THEN is_current
                ELSE model_version_id = %(model_version_id)s::bigint END)
      AND (period = 'month' AND %(by_months)s
           AND start >= %(first_month)s::date AND start < %(after_months)s::date
        OR period = 'day'
           AND (%(first_day)s::date IS NULL OR start >= %(first_day)s::date)
           AND (%(last_day)s::date IS NULL OR start <= %(last_day)s::date)
           AND NOT (%(by_months)s AND start >= %(first_month)s::date AND start < %(after_months)s::date))
"""

_AREA_ROWS: LiteralString = """
    SELECT label_id, start,
           ARRAY(SELECT coalesce(counted.n, 0) FROM generate_series(0, {last}) AS place(number)
                 LEFT JOIN unnest(buckets, ns) AS counted(bucket, n) ON counted.bucket = place.number
                 ORDER BY place.number) AS area_counts
    FROM (
        SELECT label_id, start, array_agg(bucket) AS buckets, array_agg(n) AS ns
        FROM (SELECT measurement.label_id, {day} AS start, {bucket} AS bucket, count(*) AS n
              FROM measurement
              JOIN prediction ON prediction.id = measurement.prediction_id
              JOIN image ON image.id = prediction.image_id
              WHERE {rows} GROUP BY 1, 2, 3) AS bucketed
        GROUP BY label_id, start
    ) AS grouped
"""

_PLACE_ROWS: LiteralString = """
    SELECT region.label_id, {cell} AS cell, count(*) AS n
    FROM region
    JOIN prediction ON prediction.id = region.prediction_id
    JOIN image ON image.id = prediction.image_id
    WHERE {rows} GROUP BY 1, 2
"""

_PLACE_DAYS: LiteralString = """
    SELECT label_id, (counted.place - 1)::int AS cell, sum(counted.n) AS n
    FROM ({spread}) AS spread, unnest(spread.place_counts) WITH ORDINALITY AS counted(n, place)
    WHERE counted.n <> 0
    GROUP BY 1, 2
"""

_FAR_PAST, _FAR_FUTURE = date(1900, 1, 1), date(2101, 1, 1)


def reads_rollups(scope: Scope) -> bool:
    """Whether daily sums answer it. A batch and a single hour are small enough for their rows."""
    return scope.batch_id is None and scope.hour is None


def inspected_days(scope: Scope) -> sql.Composable:
    """Relation of source_id, model_version_id, day, inspected_count, final_fail_count, fail_count, pixels and the
    sums of what images look like (see `inspection_day`)."""
    if reads_rollups(scope):
        return sql.SQL(_INSPECTED_DAYS).format(chosen=sql.SQL(_CHOSEN + _IN_DAYS), looks=sql.SQL(_LOOKS))
    return sql.SQL(_INSPECTED_ROWS).format(rows=sql.SQL(CHOSEN_ROWS), day=sql.SQL(_LOCAL_DAY))


def label_days(scope: Scope) -> sql.Composable:
    """Relation of source_id, label_id, day, affected_count, pixels, region_count."""
    if reads_rollups(scope):
        return sql.SQL(_LABEL_DAYS).format(chosen=sql.SQL(_CHOSEN + _IN_DAYS))
    rows, day = sql.SQL(CHOSEN_ROWS), sql.SQL(_LOCAL_DAY)
    return sql.SQL(_LABEL_ROWS).format(rows=rows, day=day, affected=sql.SQL(AFFECTED))


def area_spread(scope: Scope) -> sql.Composable:
    """Relation of label_id, start (a day or the first of a month), area_counts."""
    if reads_rollups(scope):
        return sql.SQL(_SPREAD_DAYS)
    return sql.SQL(_AREA_ROWS).format(
        rows=sql.SQL(CHOSEN_ROWS),
        day=sql.SQL(_LOCAL_DAY),
        bucket=_own_sql(area_bucket_sql("measurement.area_fraction")),
        last=sql.Literal(AREA_BUCKETS - 1),
    )


def place_spread(scope: Scope) -> sql.Composable:
    """Relation of label_id, cell (0 to PLACE_CELLS − 1), n regions."""
    if reads_rollups(scope):
        return sql.SQL(_PLACE_DAYS).format(spread=sql.SQL(_SPREAD_DAYS))
    cell = place_cell_sql("region.centroid_x_px", "region.centroid_y_px", "image.width_px", "image.height_px")
    return sql.SQL(_PLACE_ROWS).format(rows=sql.SQL(CHOSEN_ROWS), cell=_own_sql(cell))


def day_parameters(scope: Scope, *, by_months: bool = True) -> dict[str, Any]:
    """What the relations take. `by_months`: whole months may stand for their days, where the days do not matter."""
    first_month, after_months = whole_months(scope)
    return parameters(scope) | {
        "first_day": scope.start,
        "last_day": scope.end,
        "by_months": by_months and first_month < after_months,
        "first_month": first_month,
        "after_months": after_months,
    }


def whole_months(scope: Scope) -> tuple[date, date]:
    """The first day of the first month that lies wholly inside, and the first day after the last such month."""
    first, after = _FAR_PAST, _FAR_FUTURE
    if scope.start is not None:
        first = scope.start if scope.start.day == 1 else next_month(scope.start)
    if scope.end is not None:
        after = (scope.end + timedelta(days=1)).replace(day=1)
    return first, after


def next_month(day: date) -> date:
    """The first of the month after this day's."""
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def as_text(template: LiteralString, **relations: sql.Composable) -> str:
    return sql.SQL(template).format(**relations).as_string(None)


def _own_sql(text: str) -> sql.SQL:
    """SQL that `analytics.buckets` wrote of its own constants, with what psycopg reads as a placeholder kept."""
    return sql.SQL(text.replace("%", "%%"))
