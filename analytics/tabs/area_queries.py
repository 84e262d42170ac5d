"""What the area page asks the database: three statements over daily sums, and the live model's known errors."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import Any, LiteralString

from analytics.buckets import AREA_BUCKETS
from analytics.scope import Scope
from analytics.tabs.days import area_spread, as_text, day_parameters, inspected_days, label_days
from analytics.tabs.page import DayRow


@dataclass(frozen=True)
class FoundRow:
    """One label on one day (`source_id` None), or of one source over the whole scope (`day` None)."""

    day: date | None
    source_id: int | None
    label_id: int
    affected_count: int
    pixels: int
    region_count: int
    is_by_day: bool


@dataclass(frozen=True)
class SpreadRow:
    """Images of one day or month per bucket of `analytics.buckets`."""

    start: date
    counts: tuple[int, ...]


@dataclass(frozen=True)
class CalibrationRow:
    """A source that has images here. `mm_per_pixel` is None where it is not calibrated."""

    source_id: int | None
    name: str | None
    mm_per_pixel: float | None
    inspected_count: int
    pixels: int


@dataclass(frozen=True)
class ErrorsRow:
    """What the live model's newest evaluation found. `scores` as `segmentation.evaluation` writes them.

    `images`: label id → pixels marked rightly, marked wrongly and missed, of each evaluated image; empty where it is
    from before they were counted image by image.
    """

    number: int
    dataset: str
    image_count: int
    scores: dict[str, Any]
    images: tuple[dict[str, list[int]], ...] = ()


_INSPECTED: LiteralString = """
    SELECT day, sum(inspected_count)::bigint, sum(pixels)::bigint
    FROM ({inspected}) AS inspected GROUP BY day HAVING sum(inspected_count) > 0 ORDER BY day
"""

_FOUND: LiteralString = """
    SELECT day, NULL::bigint, label_id, sum(affected_count)::bigint, sum(pixels)::bigint, sum(region_count)::bigint,
           true
    FROM ({by_day}) AS found GROUP BY day, label_id
    UNION ALL
    SELECT NULL, source_id, label_id, sum(affected_count)::bigint, sum(pixels)::bigint, sum(region_count)::bigint,
           false
    FROM ({by_source}) AS found GROUP BY source_id, label_id
"""

_SPREAD: LiteralString = """
    SELECT start, area_counts FROM ({spread}) AS spread WHERE label_id = %(spread_label_id)s ORDER BY start
"""

_CALIBRATIONS: LiteralString = """
    SELECT counted.source_id, concat_ws(' / ', nullif(source.site, ''), source.name), source.mm_per_pixel,
           counted.inspected_count, counted.pixels
    FROM (SELECT source_id, sum(inspected_count)::bigint AS inspected_count, sum(pixels)::bigint AS pixels
          FROM ({inspected}) AS inspected GROUP BY source_id HAVING sum(inspected_count) > 0) AS counted
    LEFT JOIN source ON source.id = counted.source_id
    ORDER BY source.site, source.name
"""

_ERRORS: LiteralString = """
    SELECT model_version.number, dataset.name, evaluation.image_count, evaluation.scores::text,
           (SELECT jsonb_agg(label_pixels) FROM evaluated_image
            WHERE evaluation_id = evaluation.id AND label_pixels <> '{}')::text
    FROM evaluation
    JOIN model_version ON model_version.id = evaluation.model_version_id
    JOIN dataset ON dataset.id = evaluation.dataset_id
    JOIN project ON project.id = model_version.project_id
    WHERE project.id = %(project_id)s AND evaluation.state = 'done'
      AND model_version.id = coalesce(%(model_version_id)s::bigint, project.live_model_id)
    ORDER BY evaluation.split = 'test' DESC, evaluation.finished_at DESC LIMIT 1
"""


def inspected_by_day(cursor: Any, scope: Scope) -> tuple[DayRow, ...]:
    """Images of every day that has any, oldest first."""
    cursor.execute(as_text(_INSPECTED, inspected=inspected_days(scope, by="time")), day_parameters(scope))
    return tuple(DayRow(*row) for row in cursor.fetchall())


def found(cursor: Any, scope: Scope) -> tuple[FoundRow, ...]:
    """Every label by day, and by source."""
    by_day, by_source = label_days(scope, by="time"), label_days(scope, by="source")
    cursor.execute(as_text(_FOUND, by_day=by_day, by_source=by_source), day_parameters(scope))
    return tuple(FoundRow(*row) for row in cursor.fetchall())


def spread(cursor: Any, scope: Scope, label_id: int, *, by_months: bool) -> tuple[SpreadRow, ...]:
    """Images per area bucket of one label, oldest first; whole months in one row where asked for."""
    values = day_parameters(scope, by_months=by_months) | {"spread_label_id": label_id}
    cursor.execute(as_text(_SPREAD, spread=area_spread(scope)), values)
    return tuple(SpreadRow(start, _whole(counts)) for start, counts in cursor.fetchall())


def _whole(counts: list[int]) -> tuple[int, ...]:
    """One number per bucket: stored counts end with their last that is not 0."""
    return (*counts, *[0] * (AREA_BUCKETS - len(counts)))


def calibrations(cursor: Any, scope: Scope) -> tuple[CalibrationRow, ...]:
    """Every source that has images here, and how many millimetres a pixel of it is."""
    cursor.execute(as_text(_CALIBRATIONS, inspected=inspected_days(scope, by="source")), day_parameters(scope))
    return tuple(CalibrationRow(row[0], row[1] or None, *row[2:]) for row in cursor.fetchall())


def known_errors(cursor: Any, scope: Scope) -> ErrorsRow | None:
    """How the scope's model version, or the live one, did on images that people labelled; None where it never ran."""
    cursor.execute(_ERRORS, day_parameters(scope))
    row = cursor.fetchone()
    return ErrorsRow(row[0], row[1], row[2], json.loads(row[3]), tuple(json.loads(row[4] or "[]"))) if row else None
