"""The SQL that all queries share: which rows a scope is about, each image once.

Scopes of whole days are answered by the roll-ups per day, those of an hour by the hourly ones, batches by the rows
themselves; all have the same columns, so that every question has one query. Questions of time read the sums over all
sources, questions of sources whole months where the scope has them: so neither grows with sources times days. Values
only ever travel as parameters; only the constants of this module are put together here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
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

By = Literal["time", "source", "time and source"]
"""What a question groups images by besides label and model version; its relation has no other columns of the two."""

OF_MODEL: LiteralString = """
    project_id = %(project_id)s
    AND (CASE WHEN %(model_version_id)s::bigint IS NULL THEN is_current
              ELSE model_version_id = %(model_version_id)s::bigint END)
"""
OF_SOURCE: LiteralString = """
    AND (%(source_id)s::bigint IS NULL OR CASE WHEN %(source_id)s::bigint = 0 THEN source_id IS NULL
                                               ELSE source_id = %(source_id)s::bigint END)
"""
IN_DAYS: LiteralString = """
    AND (%(first_day)s::date IS NULL OR day >= %(first_day)s::date)
    AND (%(last_day)s::date IS NULL OR day <= %(last_day)s::date)
"""
IN_MONTHS: LiteralString = """
    AND %(by_months)s AND month >= %(first_month)s::date AND month < %(after_months)s::date
"""
NOT_IN_MONTHS: LiteralString = """
    AND NOT (%(by_months)s AND day >= %(first_month)s::date AND day < %(after_months)s::date)
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
"""
"""Condition on `prediction`: the predictions that count, at most one per image, of whatever batch (`chosen_rows`)."""

# Said plainly and only where there is a batch: as one side of an OR every image of the project would be looked at.
_IN_BATCH: LiteralString = """
    AND prediction.image_id IN (
        SELECT batch_image.image_id FROM batch_image WHERE batch_image.batch_id = %(batch_id)s::bigint)
"""

_INSPECTED_FROM_ROLLUP: LiteralString = """
    SELECT {kept_by}, inspected_count,
           CASE WHEN %(label_id)s::bigint IS NULL THEN final_fail_count ELSE 0 END AS defective_count, pixels,
           fail_count, final_fail_count, first_pass_count, waiting_count, upload_time_count, model_version_id
    FROM {inspection} WHERE {chosen}
"""
_AFFECTED_FROM_ROLLUP: LiteralString = """
    SELECT {kept_by}, 0, affected_count, 0, 0, 0, 0, 0, 0, model_version_id
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

_AFFECTED, _FINAL = sql.SQL(AFFECTED), sql.SQL(FINAL_VERDICT)


@dataclass(frozen=True)
class RollupPart:
    """One pair of roll-up tables, which of their rows count, and what they are kept by."""

    inspection: LiteralString
    label: LiteralString
    kept_by: LiteralString
    chosen: LiteralString

    def names(self) -> dict[str, sql.SQL]:
        return {name: sql.SQL(text) for name, text in vars(self).items()}


_DAY: LiteralString = "day::timestamp AT TIME ZONE %(time_zone)s::text AS captured_at"
_HOUR: LiteralString = "hour AS captured_at"
OF_DAYS: LiteralString = OF_MODEL + OF_SOURCE + IN_DAYS
_OF_HOURS: LiteralString = OF_MODEL + OF_SOURCE + _IN_HOURS
_DAY_TOTALS = RollupPart("inspection_day_total", "label_day_total", _DAY, OF_MODEL + IN_DAYS)
_HOUR_TOTALS = RollupPart("inspection_rollup_total", "label_rollup_total", _HOUR, OF_MODEL + _IN_HOURS)
_PARTS: Mapping[tuple[Grain, By], tuple[RollupPart, ...]] = {
    ("days", "time"): (RollupPart("inspection_day", "label_day", _DAY, OF_DAYS),),
    ("days", "time and source"): (RollupPart("inspection_day", "label_day", "source_id, " + _DAY, OF_DAYS),),
    ("days", "source"): (
        RollupPart("inspection_month", "label_month", "source_id", OF_MODEL + OF_SOURCE + IN_MONTHS),
        RollupPart("inspection_day", "label_day", "source_id", OF_DAYS + NOT_IN_MONTHS),
    ),
    ("hours", "time"): (RollupPart("inspection_rollup", "label_rollup", _HOUR, _OF_HOURS),),
    ("hours", "time and source"): (RollupPart("inspection_rollup", "label_rollup", "source_id, " + _HOUR, _OF_HOURS),),
    ("hours", "source"): (RollupPart("inspection_rollup", "label_rollup", "source_id", _OF_HOURS),),
}
_FAR_PAST, _FAR_FUTURE = date(1900, 1, 1), date(2101, 1, 1)


def inspected(scope: Scope, *, by: By, by_hour: bool = False) -> sql.Composable:
    """Relation of inspected_count, defective_count, pixels, the counts of verdicts, and what it is kept `by`.

    By "time" it has captured_at, the beginning of a day, or of an hour where the scope is one or `by_hour` asks for
    it; by "source" it has source_id. The others: fail_count (by the model), final_fail_count, first_pass_count,
    waiting_count, upload_time_count, model_version_id.
    """
    grain = grain_of(scope, by_hour=by_hour)
    if grain == "rows":
        return sql.SQL(_INSPECTED_FROM_ROWS).format(affected=_AFFECTED, final=_FINAL, chosen=chosen_rows(scope))
    selects = []
    for part in _parts(scope, grain, by):
        selects.append(sql.SQL(_INSPECTED_FROM_ROLLUP).format(**part.names()))
        if scope.label_id is not None:
            selects.append(sql.SQL(_AFFECTED_FROM_ROLLUP).format(**part.names()))
    return sql.SQL(" UNION ALL ").join(selects)


def found(scope: Scope) -> sql.Composable:
    """Relation of label_id, affected_count, pixels, region_count; unmeasured labels are absent."""
    grain = grain_of(scope)
    if grain == "rows":
        return sql.SQL(_FOUND_FROM_ROWS).format(affected=_AFFECTED, chosen=chosen_rows(scope))
    parts = _parts(scope, grain, "time")
    return sql.SQL(" UNION ALL ").join(sql.SQL(_FOUND_FROM_ROLLUP).format(**part.names()) for part in parts)


def chosen_rows(scope: Scope) -> sql.SQL:
    """Condition on `prediction`: the predictions that count, at most one per image."""
    return sql.SQL(CHOSEN_ROWS + (_IN_BATCH if scope.batch_id is not None else ""))


def _parts(scope: Scope, grain: Grain, by: By) -> tuple[RollupPart, ...]:
    if by == "time" and scope.source_id is None:
        return (_DAY_TOTALS if grain == "days" else _HOUR_TOTALS,)
    return _PARTS[grain, by]


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
    first_month, after_months = whole_months(scope)
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
        "by_months": first_month < after_months,
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
