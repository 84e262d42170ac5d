"""The SQL that all queries share: which rows a scope is about, each image once.

Scopes without a batch are answered by the hourly roll-ups, scopes with one by the rows themselves; both
relations have the same columns, so that every question has one query. Values only ever travel as
parameters; only the constants of this module are put together here.
"""

from __future__ import annotations

from typing import Any, LiteralString

from psycopg import sql

from analytics.scope import Scope

LIMIT: LiteralString = "coalesce(measurement.min_region_px, prediction.min_region_px)"
"""What a label was judged by: its own limit where the model has one for it, else the prediction's."""

AFFECTED: LiteralString = "measurement.largest_region_px >= " + LIMIT
"""The rule: a label affects an image when its largest region reaches the limit the verdict was judged by."""

_CHOSEN_ROLLUP: LiteralString = """
    project_id = %(project_id)s
    AND (CASE WHEN %(model_version_id)s::bigint IS NULL THEN is_current
              ELSE model_version_id = %(model_version_id)s::bigint END)
    AND (%(start_at)s::timestamptz IS NULL OR hour >= %(start_at)s::timestamptz)
    AND (%(end_at)s::timestamptz IS NULL OR hour < %(end_at)s::timestamptz)
    AND (%(source_id)s::bigint IS NULL OR coalesce(source_id, 0) = %(source_id)s::bigint)
"""

CHOSEN_ROWS: LiteralString = """
    image.project_id = %(project_id)s AND prediction.state = 'done' AND NOT prediction.is_shadow
    AND (CASE WHEN %(model_version_id)s::bigint IS NULL THEN prediction.is_current
              ELSE prediction.model_version_id = %(model_version_id)s::bigint END)
    AND (%(start_at)s::timestamptz IS NULL OR image.captured_at >= %(start_at)s::timestamptz)
    AND (%(end_at)s::timestamptz IS NULL OR image.captured_at < %(end_at)s::timestamptz)
    AND (%(source_id)s::bigint IS NULL OR coalesce(image.source_id, 0) = %(source_id)s::bigint)
    AND (%(batch_id)s::bigint IS NULL OR EXISTS (
        SELECT FROM batch_image
        WHERE batch_image.image_id = image.id AND batch_image.batch_id = %(batch_id)s::bigint))
"""
"""Condition on `prediction JOIN image`: the predictions that count, at most one per image."""

_INSPECTED_FROM_ROLLUP: LiteralString = """
    SELECT source_id, hour AS captured_at, inspected_count,
           CASE WHEN %(label_id)s::bigint IS NULL THEN fail_count ELSE 0 END AS defective_count, pixels
    FROM inspection_rollup WHERE {chosen}
    UNION ALL
    SELECT source_id, hour, 0, affected_count, 0
    FROM label_rollup WHERE label_id = %(label_id)s::bigint AND {chosen}
"""

_INSPECTED_FROM_ROWS: LiteralString = """
    SELECT image.source_id, image.captured_at, 1 AS inspected_count,
           (CASE WHEN %(label_id)s::bigint IS NULL THEN prediction.verdict = 'fail'
                 ELSE coalesce({affected}, false) END)::int AS defective_count,
           image.width_px::bigint * image.height_px AS pixels
    FROM prediction
    JOIN image ON image.id = prediction.image_id
    LEFT JOIN measurement
        ON measurement.prediction_id = prediction.id AND measurement.label_id = %(label_id)s::bigint
    WHERE {chosen}
"""

_FOUND_FROM_ROLLUP: LiteralString = """
    SELECT label_id, affected_count, pixels, region_count FROM label_rollup WHERE {chosen}
"""

_FOUND_FROM_ROWS: LiteralString = """
    SELECT measurement.label_id, ({affected})::int AS affected_count,
           measurement.pixels, measurement.region_count
    FROM measurement
    JOIN prediction ON prediction.id = measurement.prediction_id
    JOIN image ON image.id = prediction.image_id
    WHERE {chosen}
"""

_FRAGMENTS = {"affected": sql.SQL(AFFECTED)}


def inspected(scope: Scope) -> sql.Composable:
    """Relation of source_id, captured_at, inspected_count, defective_count, pixels."""
    if uses_rollups(scope):
        return sql.SQL(_INSPECTED_FROM_ROLLUP).format(chosen=sql.SQL(_CHOSEN_ROLLUP))
    return sql.SQL(_INSPECTED_FROM_ROWS).format(chosen=sql.SQL(CHOSEN_ROWS), **_FRAGMENTS)


def found(scope: Scope) -> sql.Composable:
    """Relation of label_id, affected_count, pixels, region_count; unmeasured labels are absent."""
    if uses_rollups(scope):
        return sql.SQL(_FOUND_FROM_ROLLUP).format(chosen=sql.SQL(_CHOSEN_ROLLUP))
    return sql.SQL(_FOUND_FROM_ROWS).format(chosen=sql.SQL(CHOSEN_ROWS), **_FRAGMENTS)


def uses_rollups(scope: Scope) -> bool:
    return scope.batch_id is None and scope.fits_utc_hours()


def parameters(scope: Scope) -> dict[str, Any]:
    """What the relations take as query parameters."""
    start_at, end_at = scope.span()
    return {
        "project_id": scope.project_id,
        "model_version_id": scope.model_version_id,
        "label_id": scope.label_id,
        "source_id": scope.source_id,
        "batch_id": scope.batch_id,
        "start_at": start_at,
        "end_at": end_at,
        "time_zone": scope.time_zone,
    }
