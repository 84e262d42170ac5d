"""What a rule is tried on: the stored numbers of a scope's images, a random sample of them where they are many.

No mask is read. Of each image only defect labels that it shows come along: what is not there fails under no rule.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, LiteralString

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from analytics.relations import LIMIT, chosen_rows, inspected, parameters
from analytics.scope import Scope

SAMPLE_COUNT = 4000
"""Images that a rule is replayed on at most; a share of them is then known to 1.6 points or better."""

READ_ALL_COUNT = 100_000
"""Up to so many images the sample is taken from all of them; above, from random pages of the table."""

LAST_DAYS = 30

_SIZE: LiteralString = """
    SELECT coalesce(sum(inspected_count), 0)::bigint,
           count(DISTINCT date_trunc('day', captured_at, %(time_zone)s::text)) FILTER (WHERE inspected_count > 0)
    FROM ({inspected}) AS inspected
"""
_LAST_DAY: LiteralString = """
    SELECT max(day) FROM inspection_day_total
    WHERE project_id = %(project_id)s AND inspected_count > 0
      AND (%(last_day)s::date IS NULL OR day <= %(last_day)s::date)
"""
# Hashes of ids put images into an order that has nothing to do with them, and always the same one.
_SAMPLED: LiteralString = """
    SELECT prediction.id, prediction.image_id, prediction.verdict, prediction.min_region_px,
           prediction.defect_area_fraction
    FROM prediction {pages}
    WHERE {chosen} ORDER BY hashint8(prediction.id), prediction.id LIMIT %(sample_count)s
"""
_JUDGED: LiteralString = """
    SELECT prediction.id, prediction.image_id, prediction.verdict, prediction.min_region_px,
           prediction.defect_area_fraction
    FROM (SELECT image_id FROM review WHERE project_id = %(project_id)s AND NOT EXISTS (
              SELECT FROM review AS newer
              WHERE newer.image_id = review.image_id AND newer.id > review.id AND newer.project_id = %(project_id)s)
          ORDER BY id DESC LIMIT %(sample_count)s) AS judged
    JOIN prediction ON prediction.image_id = judged.image_id
    WHERE {chosen}
"""
# Images that show no defect, nine in ten, are not looked up: hence the CASE.
_NUMBERS: LiteralString = """
    WITH tried AS MATERIALIZED ({tried})
    SELECT prediction.image_id, prediction.verdict = 'fail', image.reviewed_verdict, measurement.label_id,
           measurement.largest_region_px, measurement.confidence, {limit}
    FROM tried AS prediction
    JOIN image ON image.id = prediction.image_id
    LEFT JOIN measurement
         ON measurement.prediction_id = CASE WHEN prediction.defect_area_fraction > 0 THEN prediction.id END
         AND measurement.largest_region_px > 0 AND measurement.label_id = ANY(%(defects)s::bigint[])
    WHERE {kept}
    ORDER BY prediction.image_id
"""
_PAGES: LiteralString = "TABLESAMPLE SYSTEM (%(percent)s) REPEATABLE (1)"


@dataclass(frozen=True)
class Numbers:
    """Images and what they show of defect labels; arrays of images, and of (image, label) pairs.

    `fails`: under the rule in force; `judged`: 1 a person said fail, 0 pass, −1 nobody said. `place`: which image a
    pair belongs to. `confidence` 0–1, NaN where unknown; `limit_px` is the one in force.
    """

    image_ids: NDArray[np.int64]
    fails: NDArray[np.bool_]
    judged: NDArray[np.int8]
    place: NDArray[np.int64]
    label_id: NDArray[np.int64]
    largest_px: NDArray[np.int64]
    confidence: NDArray[np.float64]
    limit_px: NDArray[np.int64]

    @property
    def count(self) -> int:
        return len(self.image_ids)


@dataclass(frozen=True)
class Tried:
    """What rules are tried on. `image_count`: images of the scope, on `day_count` days that have some.

    `numbers` holds all of them or, where `is_sample`, a random sample; `judged` the newest that people judged.
    """

    scope: Scope
    image_count: int
    day_count: int
    is_sample: bool
    numbers: Numbers
    judged: Numbers


def recent(cursor: Any, scope: Scope) -> Scope:
    """The scope; without a first day, an hour or a batch the last 30 days of it that have images at their end."""
    whole = replace(scope, label_id=None)
    if scope.start is not None or scope.hour is not None or scope.batch_id is not None:
        return whole
    cursor.execute(_LAST_DAY, parameters(whole))
    last: date | None = cursor.fetchone()[0]
    return replace(whole, start=last - timedelta(days=LAST_DAYS - 1), end=last) if last else whole


def read(cursor: Any, scope: Scope, defects: list[int]) -> Tried:
    """The stored numbers of a scope for the defect labels `defects` (ids). A label in the scope changes nothing."""
    scope = replace(scope, label_id=None)
    cursor.execute(_text(_SIZE, inspected=inspected(scope, by="time")), parameters(scope))
    image_count, day_count = cursor.fetchone()
    pages, percent = sql.SQL(""), 100.0
    if image_count > READ_ALL_COUNT and scope.batch_id is None:
        # Three times the sample, so that few of one page's neighbours come along together.
        percent = min(100.0, 100.0 * 3 * SAMPLE_COUNT / image_count)
        pages = sql.SQL(_PAGES)
    values = parameters(scope) | {"sample_count": SAMPLE_COUNT, "percent": percent, "defects": defects}
    chosen = chosen_rows(scope)
    numbers = _numbers(cursor, sql.SQL(_SAMPLED).format(pages=pages, chosen=chosen), "true", values)
    judged = _numbers(cursor, sql.SQL(_JUDGED).format(chosen=chosen), "image.reviewed_verdict IS NOT NULL", values)
    return Tried(scope, int(image_count), int(day_count), numbers.count < image_count, numbers, judged)


def _numbers(cursor: Any, tried: sql.Composable, kept: LiteralString, values: dict[str, Any]) -> Numbers:
    cursor.execute(_text(_NUMBERS, tried=tried, kept=sql.SQL(kept), limit=sql.SQL(LIMIT)), values)
    rows = cursor.fetchall()
    images: dict[int, tuple[bool, int]] = {}
    for row in rows:
        images.setdefault(row[0], (row[1], {"fail": 1, "pass": 0}.get(row[2], -1)))
    places = {image_id: place for place, image_id in enumerate(images)}
    pairs = [row for row in rows if row[3] is not None]
    return Numbers(
        image_ids=np.fromiter(images, np.int64, len(images)),
        fails=np.array([fails for fails, _ in images.values()], bool),
        judged=np.array([judged for _, judged in images.values()], np.int8),
        place=np.array([places[row[0]] for row in pairs], np.int64),
        label_id=np.array([row[3] for row in pairs], np.int64),
        largest_px=np.array([row[4] for row in pairs], np.int64),
        confidence=np.array([np.nan if row[5] is None else row[5] for row in pairs], float),
        limit_px=np.array([row[6] for row in pairs], np.int64),
    )


def _text(template: LiteralString, **parts: sql.Composable) -> str:
    return sql.SQL(template).format(**parts).as_string(None)
