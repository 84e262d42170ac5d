"""The SQL that all queries share: which rows a scope is about, each image once.

Scopes of whole days are answered by the roll-ups per day, those of an hour by the hourly ones, batches by the rows
themselves; all have the same columns, so that every question has one query. Values only ever travel as
parameters; only the constants of this module are put together here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, LiteralString

from psycopg import sql

from analytics.scope import Scope

LIMIT: LiteralString = "coalesce(measurement.min_region_px, prediction.min_region_px)"
"""What a label was judged by: its own limit where the model has one for it, else the prediction's."""

AFFECTED: LiteralString = "measurement.largest_region_px >= " + LIMIT
"""The rule: a label affects an image when its largest region reaches the limit the verdict was judged by."""

FINAL_VERDICT: LiteralString = "coalesce(image.reviewed_verdict, prediction.verdict)"
"""An image's verdict: a person's newest word where there is one, else the model's."""

Grain = Literal["days", "hours", "rows"]

_CHOSEN_ROLLUP: LiteralString = """
    project_id = %(project_id)s
    AND (CASE WHEN %(model_version_id)s::bigint IS NULL THEN is_current
              ELSE model_version_id = %(model_version_id)s::bigint END)
    AND (%(source_id)s::bigint IS NULL OR CASE WHEN %(source_id)s::bigint = 0 THEN source_id IS NULL
                                               ELSE source_id = %(source_id)s::bigint END)
"""
_IN_DAYS: LiteralString = """
    AND (%(first_day)s::date IS NULL OR day >= %(first_day)s::date)
    AND (%(last_day)s::date IS NULL OR day <= %(last_day)s::date)
"""
_IN_HOURS: LiteralString = """
    AND (%(start_at)s::timestamptz IS NULL OR hour >= %(start_at)s::timestamptz)
    AND (%(end_at)s::timestamptz IS NULL OR hour < %(end_at)s::timestamptz)
"""

CHOSEN_ROWS: LiteralString = """
    prediction.project_id = %(project_id)s AND prediction.state = 'done' AND NOT prediction.is_shadow
    AND (CASE WHEN %(model_version_id)s::bigint IS NULL THEN prediction.is_current
              ELSE prediction.model_version_id = %(model_version_id)s::bigint END)
    AND (%(start_at)s::timestamptz IS NULL OR prediction.captured_at >= %(start_at)s::timestamptz)
    AND (%(end_at)s::timestamptz IS NULL OR prediction.captured_at < %(end_at)s::timestamptz)
    AND (%(source_id)s::bigint IS NULL OR CASE WHEN %(source_id)s::bigint = 0 THEN prediction.source_id IS NULL
                                               ELSE prediction.source_id = %(source_id)s::bigint END)
    AND (%(batch_id)s::bigint IS NULL OR prediction.image_id IN (
        SELECT batch_image.image_id FROM batch_image WHERE batch_image.batch_id = %(batch_id)s::bigint))
"""
"""Condition on `prediction`: the predictions that count, at most one per image."""

_INSPECTED_FROM_ROLLUP: LiteralString = """
    SELECT source_id, {at} AS captured_at, inspected_count,
           CASE WHEN %(label_id)s::bigint IS NULL THEN final_fail_count ELSE 0 END AS defective_count, pixels,
           fail_count, final_fail_count, first_pass_count, waiting_count, upload_time_count, model_version_id
    FROM {inspection} WHERE {chosen}
    UNION ALL
    SELECT source_id, {at}, 0, affected_count, 0, 0, 0, 0, 0, 0, model_version_id
    FROM {label} WHERE label_id = %(label_id)s::bigint AND {chosen}
"""

_INSPECTED_FROM_ROWS: LiteralString = """
    SELECT prediction.source_id, prediction.captured_at, 1 AS inspected_count,
           (CASE WHEN %(label_id)s::bigint IS NULL THEN {final} = 'fail'
                 ELSE coalesce({affected}, false) END)::int AS defective_count,
           image.width_px::bigint * image.height_px AS pixels,
           (prediction.verdict = 'fail')::int AS fail_count, ({final} = 'fail')::int AS final_fail_count,
           (prediction.verdict = 'pass' AND {final} = 'pass')::int AS first_pass_count,
           (prediction.verdict = 'fail' AND image.reviewed_verdict IS NULL)::int AS waiting_count,
           (image.captured_at_from = 'upload')::int AS upload_time_count, prediction.model_version_id
    FROM prediction
    JOIN image ON image.id = prediction.image_id
    LEFT JOIN measurement
        ON measurement.prediction_id = prediction.id AND measurement.label_id = %(label_id)s::bigint
    WHERE {chosen}
"""

_FOUND_FROM_ROLLUP: LiteralString = """
    SELECT label_id, affected_count, pixels, region_count FROM {label} WHERE {chosen}
"""

_FOUND_FROM_ROWS: LiteralString = """
    SELECT measurement.label_id, ({affected})::int AS affected_count,
           measurement.pixels, measurement.region_count
    FROM measurement
    JOIN prediction ON prediction.id = measurement.prediction_id
    WHERE {chosen}
"""

_ROWS = {"affected": sql.SQL(AFFECTED), "final": sql.SQL(FINAL_VERDICT), "chosen": sql.SQL(CHOSEN_ROWS)}
_ROLLUPS: Mapping[Grain, Mapping[str, sql.SQL]] = {
    "days": {
        "inspection": sql.SQL("inspection_day"),
        "label": sql.SQL("label_day"),
        "at": sql.SQL("day::timestamp AT TIME ZONE %(time_zone)s::text"),
        "chosen": sql.SQL(_CHOSEN_ROLLUP + _IN_DAYS),
    },
    "hours": {
        "inspection": sql.SQL("inspection_rollup"),
        "label": sql.SQL("label_rollup"),
        "at": sql.SQL("hour"),
        "chosen": sql.SQL(_CHOSEN_ROLLUP + _IN_HOURS),
    },
}


def inspected(scope: Scope, *, by_hour: bool = False) -> sql.Composable:
    """Relation of source_id, captured_at, inspected_count, defective_count, pixels, and the counts of verdicts.

    `captured_at` is the beginning of a day, or of an hour where the scope is one or `by_hour` asks for it. The
    others: fail_count (by the model), final_fail_count, first_pass_count, waiting_count, upload_time_count,
    model_version_id.
    """
    grain = grain_of(scope, by_hour=by_hour)
    if grain == "rows":
        return sql.SQL(_INSPECTED_FROM_ROWS).format(**_ROWS)
    return sql.SQL(_INSPECTED_FROM_ROLLUP).format(**_ROLLUPS[grain])


def found(scope: Scope) -> sql.Composable:
    """Relation of label_id, affected_count, pixels, region_count; unmeasured labels are absent."""
    grain = grain_of(scope)
    if grain == "rows":
        return sql.SQL(_FOUND_FROM_ROWS).format(**_ROWS)
    return sql.SQL(_FOUND_FROM_ROLLUP).format(**_ROLLUPS[grain])


def grain_of(scope: Scope, *, by_hour: bool = False) -> Grain:
    """What answers it: the roll-ups per day of the installation's zone, which is the scope's, those per hour, rows.

    Where UTC's hours are not the scope's (Asia/Kolkata), hours are counted from rows.
    """
    if scope.batch_id is not None:
        return "rows"
    if scope.hour is None and not by_hour:
        return "days"
    return "hours" if scope.fits_utc_hours() else "rows"


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
        "first_day": scope.start,
        "last_day": scope.end,
        "time_zone": scope.time_zone,
    }
