"""Which daily sums a scope is about: the roll-ups by day, or the rows themselves for a batch or a single hour.

Both give relations of the same columns. Values only ever travel as parameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, LiteralString

from psycopg import sql

from analytics.buckets import AREA_BUCKETS, area_bucket_sql, place_cell_sql
from analytics.relations import (
    AFFECTED,
    IN_DAYS,
    IN_MONTHS,
    NOT_IN_MONTHS,
    OF_DAYS,
    OF_MODEL,
    OF_SOURCE,
    By,
    RollupPart,
    chosen_rows,
    parameters,
)
from analytics.scope import Scope

_LOOKS: LiteralString = """
    confidence_count, confidence_sum, confidence_squares, feature_count, brightness_sum, brightness_squares,
    sharpness_sum, sharpness_squares, warmth_sum, warmth_squares
"""

_INSPECTED: LiteralString = """
    SELECT {kept_by}, model_version_id, inspected_count, final_fail_count, fail_count, pixels{looks}
    FROM {inspection} WHERE {chosen}
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

_FOUND: LiteralString = """
    SELECT {kept_by}, label_id, affected_count, pixels, region_count FROM {label} WHERE {chosen}
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
    WHERE is_all_sources = (%(source_id)s::bigint IS NULL) AND {of_model} {of_source}
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


_TOTALS = RollupPart("inspection_day_total", "label_day_total", "day", OF_MODEL + IN_DAYS)
_PARTS: Mapping[By, tuple[RollupPart, ...]] = {
    "time": (RollupPart("inspection_day", "label_day", "day", OF_DAYS),),
    "time and source": (RollupPart("inspection_day", "label_day", "source_id, day", OF_DAYS),),
    "source": (
        RollupPart("inspection_month", "label_month", "source_id", OF_MODEL + OF_SOURCE + IN_MONTHS),
        RollupPart("inspection_day", "label_day", "source_id", OF_DAYS + NOT_IN_MONTHS),
    ),
}


def reads_rollups(scope: Scope) -> bool:
    """Whether daily sums answer it. A batch and a single hour are small enough for their rows."""
    return scope.batch_id is None and scope.hour is None


def inspected_days(scope: Scope, *, by: By, looks: bool = False) -> sql.Composable:
    """Relation of model_version_id, inspected_count, final_fail_count, fail_count, pixels, and what it is kept `by`:
    day, source_id or both. `looks`: with the sums of what images look like (see `inspection_day`), not by source."""
    if not reads_rollups(scope):
        return sql.SQL(_INSPECTED_ROWS).format(rows=chosen_rows(scope), day=sql.SQL(_LOCAL_DAY))
    columns = sql.SQL(", " + _LOOKS if looks else "")
    selects = (sql.SQL(_INSPECTED).format(looks=columns, **part.names()) for part in _parts(scope, by))
    return sql.SQL(" UNION ALL ").join(selects)


def label_days(scope: Scope, *, by: By) -> sql.Composable:
    """Relation of label_id, affected_count, pixels, region_count, and what it is kept `by`: day, source_id or both."""
    if not reads_rollups(scope):
        rows, day = chosen_rows(scope), sql.SQL(_LOCAL_DAY)
        return sql.SQL(_LABEL_ROWS).format(rows=rows, day=day, affected=sql.SQL(AFFECTED))
    return sql.SQL(" UNION ALL ").join(sql.SQL(_FOUND).format(**part.names()) for part in _parts(scope, by))


def _parts(scope: Scope, by: By) -> tuple[RollupPart, ...]:
    return (_TOTALS,) if by == "time" and scope.source_id is None else _PARTS[by]


def area_spread(scope: Scope) -> sql.Composable:
    """Relation of label_id, start (a day or the first of a month), area_counts."""
    if reads_rollups(scope):
        return _spread_days()
    return sql.SQL(_AREA_ROWS).format(
        rows=chosen_rows(scope),
        day=sql.SQL(_LOCAL_DAY),
        bucket=_own_sql(area_bucket_sql("measurement.area_fraction")),
        last=sql.Literal(AREA_BUCKETS - 1),
    )


def place_spread(scope: Scope) -> sql.Composable:
    """Relation of label_id, cell (0 to PLACE_CELLS − 1), n regions."""
    if reads_rollups(scope):
        return sql.SQL(_PLACE_DAYS).format(spread=_spread_days())
    cell = place_cell_sql("region.centroid_x_px", "region.centroid_y_px", "image.width_px", "image.height_px")
    return sql.SQL(_PLACE_ROWS).format(rows=chosen_rows(scope), cell=_own_sql(cell))


def _spread_days() -> sql.Composable:
    return sql.SQL(_SPREAD_DAYS).format(of_model=sql.SQL(OF_MODEL), of_source=sql.SQL(OF_SOURCE))


def day_parameters(scope: Scope, *, by_months: bool = True) -> dict[str, Any]:
    """What the relations take. `by_months`: whole months may stand for their days, where the days do not matter."""
    values = parameters(scope)
    return values | {"by_months": by_months and values["by_months"]}


def as_text(template: LiteralString, **relations: sql.Composable) -> str:
    return sql.SQL(template).format(**relations).as_string(None)


def _own_sql(text: str) -> sql.SQL:
    """SQL that `analytics.buckets` wrote of its own constants, with what psycopg reads as a placeholder kept."""
    return sql.SQL(text.replace("%", "%%"))
