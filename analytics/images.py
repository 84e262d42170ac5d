"""The images behind a number, a page at a time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, LiteralString

from psycopg import sql

from analytics.relations import AFFECTED, CHOSEN_ROWS, FINAL_VERDICT, inspected, parameters
from analytics.scope import Scope, ScopeError
from analytics.snapshot import snapshot
from analytics.tabs.zones_queries import INSIDE

Verdict = Literal["pass", "fail"]
Order = Literal["worst", "newest"]
Word = Literal["waiting", "overruled"]
"""What people said: "waiting", failed by the model and judged by nobody; "overruled", against the model."""

_KEY = re.compile(r"(-?[0-9.e+-]{1,40}|inf)_([0-9]{1,18})")

# What the order sorts by, descending; with a label in the scope the worst are those with most of it. Each is the
# column of an index, so that a page reads little more than its own rows.
_WORST: LiteralString = "prediction.defect_area_fraction"
_WORST_BY_LABEL: LiteralString = "measurement.area_fraction"
_NEWEST: LiteralString = "prediction.captured_at"

_IN_ZONE: LiteralString = """
    AND EXISTS (
        SELECT FROM zone
        JOIN source ON source.id = zone.source_id AND source.project_id = %(project_id)s
        JOIN region ON region.prediction_id = prediction.id
        JOIN measurement AS held ON held.prediction_id = region.prediction_id AND held.label_id = region.label_id
        JOIN label ON label.id = region.label_id
        WHERE zone.id = %(zone_id)s::bigint AND zone.source_id = prediction.source_id
          AND (CASE WHEN %(label_id)s::bigint IS NULL THEN label.index > 0
                    ELSE region.label_id = %(label_id)s::bigint END)
          AND region.area_px >= coalesce(held.min_region_px, prediction.min_region_px)
          AND {inside})
"""

_COLUMNS: LiteralString = """
    prediction.image_id, prediction.id, {name}, {final}, prediction.confidence, prediction.defect_area_fraction,
    prediction.captured_at, prediction.verdict, {rank}
"""

_FROM: LiteralString = """
    FROM {prediction} JOIN image ON image.id = prediction.image_id {joins}
    WHERE {rows} AND (%(verdict)s::text IS NULL OR {final} = %(verdict)s::text) AND {word} {zone}
"""
# The second condition follows from the third and lets an index be used that leaves out what has no region.
_BY_LABEL: LiteralString = """
    JOIN measurement ON measurement.prediction_id = prediction.id
        AND measurement.label_id = %(label_id)s::bigint AND measurement.largest_region_px > 0 AND {affected}
"""
# Among the images of a few days those are looked up that show a defect at all: the index of a label's worst would be
# read through all the other days. OFFSET keeps the planner from that.
_OF_FEW_DAYS: LiteralString = """
    (SELECT * FROM prediction
     WHERE {rows} AND (prediction.defect_area_fraction > 0
                       OR NOT (SELECT label.is_defect FROM label WHERE label.id = %(label_id)s::bigint))
     OFFSET 0) AS prediction
"""
_FEW_DAYS = timedelta(days=3)
_IN_BATCH: LiteralString = """
    JOIN batch_image ON batch_image.image_id = prediction.image_id AND batch_image.batch_id = %(batch_id)s::bigint
"""

_WORDS: Mapping[Word | None, LiteralString] = {
    None: "true",
    "waiting": "prediction.verdict = 'fail' AND image.reviewed_verdict IS NULL",
    "overruled": "image.reviewed_verdict <> prediction.verdict",
}

_PAGE: LiteralString = """
    SELECT {columns} {chosen}
      AND (%(after_id)s::bigint IS NULL
           OR ({rank}, prediction.image_id) < (%(after_rank)s::{kind}, %(after_id)s::bigint))
    ORDER BY {rank} DESC, prediction.image_id DESC
    LIMIT %(limit)s
"""

# Several workers would each read far ahead in the index, for the few rows of a page.
_FIRST_ROWS_SOON: LiteralString = "SET LOCAL max_parallel_workers_per_gather = 0"

_HERE: LiteralString = "SELECT {rank} {chosen} AND prediction.image_id = %(image_id)s"

_NEIGHBOURS: LiteralString = """
    SELECT (SELECT prediction.image_id {chosen}
              AND ({rank}, prediction.image_id) > (%(here)s::{kind}, %(image_id)s::bigint)
            ORDER BY {rank}, prediction.image_id LIMIT 1),
           (SELECT prediction.image_id {chosen}
              AND ({rank}, prediction.image_id) < (%(here)s::{kind}, %(image_id)s::bigint)
            ORDER BY {rank} DESC, prediction.image_id DESC LIMIT 1)
"""

# Overruled by what counts now: against a "pass" of the model, then against a "fail". Failed and judged are those that
# do not wait; of them confirmed are those that count as failed without the first.
_COUNTS: LiteralString = """
    SELECT inspected, final_fail, waiting, missed, fail - waiting - (final_fail - waiting - missed)
    FROM (SELECT coalesce(sum(inspected_count), 0)::bigint AS inspected,
                 coalesce(sum({failed}), 0)::bigint AS final_fail,
                 coalesce(sum(waiting_count), 0)::bigint AS waiting,
                 coalesce(sum(inspected_count - fail_count - first_pass_count), 0)::bigint AS missed,
                 coalesce(sum(fail_count), 0)::bigint AS fail
          FROM ({inspected}) AS inspected) AS summed
"""


@dataclass(frozen=True)
class ImageRow:
    """One inspected image. `name` is its path in the scope's batch, or in the first batch it came with.

    `verdict` is the one that counts, `model_verdict` what the model said.
    `defect_area_fraction` and `confidence` are 0–1; `captured_at` is aware.
    """

    image_id: int
    prediction_id: int
    name: str
    verdict: Verdict
    confidence: float | None
    defect_area_fraction: float
    captured_at: datetime
    model_verdict: Verdict


@dataclass(frozen=True)
class ImagePage:
    """`next` is what `after` takes to get the following page; None on the last."""

    items: tuple[ImageRow, ...]
    next: str | None


def image_rows(
    cursor: Any,
    scope: Scope,
    *,
    verdict: Verdict | None = None,
    word: Word | None = None,
    order: Order = "worst",
    after: str | None = None,
    limit: int = 60,
    zone_id: int | None = None,
) -> ImagePage:
    """A page of the scope's inspected images, largest defect area first (or newest first).

    `verdict` is the one that counts; `word` keeps those that wait for a person, or that a person overruled.
    With a label in the scope only the images that it affects, those with the largest area of it first. `zone_id`: only
    those that show the label, or anything but background, in this zone.
    A page is found by its predecessor's last row, not by counting: page 1,000 costs what page 1 does.
    ScopeError for an `after` that no page gave.
    """
    after_rank, after_id = _read_key(after, order)
    values = parameters(scope) | {
        "verdict": verdict,
        "after_rank": after_rank,
        "after_id": after_id,
        "limit": limit + 1,
        "zone_id": zone_id,
    }
    with snapshot(cursor):
        cursor.execute(_FIRST_ROWS_SOON)
        cursor.execute(_statement(_PAGE, scope, order, word, zone_id), values)
        rows = cursor.fetchall()
    page = rows[:limit]
    more = len(rows) > limit
    return ImagePage(
        items=tuple(ImageRow(*row[:-1]) for row in page),
        next=_key(page[-1][-1], page[-1][0]) if more else None,
    )


def image_neighbours(
    cursor: Any,
    scope: Scope,
    image_id: int,
    *,
    verdict: Verdict | None = None,
    word: Word | None = None,
    order: Order = "worst",
    zone_id: int | None = None,
) -> tuple[int | None, int | None]:
    """Ids of the images before and after this one in the order of `image_rows`; None at its ends."""
    values = parameters(scope) | {"verdict": verdict, "image_id": image_id, "zone_id": zone_id}
    cursor.execute(_statement(_HERE, scope, order, word, zone_id), values)
    here = cursor.fetchone()
    if here is None:
        return None, None
    cursor.execute(_statement(_NEIGHBOURS, scope, order, word, zone_id), values | {"here": here[0]})
    before, after = cursor.fetchone()
    return before, after


def image_count(
    cursor: Any,
    scope: Scope,
    *,
    verdict: Verdict | None = None,
    word: Word | None = None,
    zone_id: int | None = None,
) -> int:
    """How many images `image_rows` pages through; from the roll-ups, but for zones and a label with a verdict."""
    if zone_id is not None or (scope.label_id is not None and (verdict or word)):
        statement = sql.SQL("SELECT count(*) {chosen}").format(chosen=_chosen(scope, word, zone_id))
        cursor.execute(statement.as_string(None), parameters(scope) | {"verdict": verdict, "zone_id": zone_id})
        return int(cursor.fetchone()[0])
    failed = sql.SQL("defective_count" if scope.label_id is not None else "final_fail_count")
    counts = sql.SQL(_COUNTS).format(failed=failed, inspected=inspected(scope, by="time"))
    cursor.execute(counts.as_string(None), parameters(scope))
    every, failing, waiting, missed, over_rejected = cursor.fetchone()
    if scope.label_id is not None:
        return int(failing)
    by_verdict = {
        None: {None: every, "fail": failing, "pass": every - failing},
        "waiting": {None: waiting, "fail": waiting, "pass": 0},
        "overruled": {None: missed + over_rejected, "fail": missed, "pass": over_rejected},
    }
    return int(by_verdict[word][verdict])


def _statement(template: LiteralString, scope: Scope, order: Order, word: Word | None, zone_id: int | None) -> str:
    by_label = scope.label_id is not None
    rank = sql.SQL(_NEWEST if order == "newest" else _WORST_BY_LABEL if by_label else _WORST)
    name = sql.SQL("image.name" if scope.batch_id is None else "batch_image.name")
    return (
        sql.SQL(template)
        .format(
            columns=sql.SQL(_COLUMNS).format(name=name, final=sql.SQL(FINAL_VERDICT), rank=rank),
            chosen=_chosen(scope, word, zone_id),
            rank=rank,
            kind=sql.SQL("timestamptz" if order == "newest" else "float8"),
        )
        .as_string(None)
    )


def _chosen(scope: Scope, word: Word | None, zone_id: int | None) -> sql.Composable:
    joins = [sql.SQL(_BY_LABEL).format(affected=sql.SQL(AFFECTED))] if scope.label_id is not None else []
    if scope.batch_id is not None:
        joins.append(sql.SQL(_IN_BATCH).format())
    prediction: sql.Composable = sql.SQL("prediction")
    if scope.label_id is not None and _is_short(scope):
        prediction = sql.SQL(_OF_FEW_DAYS).format(rows=sql.SQL(CHOSEN_ROWS))
    return sql.SQL(_FROM).format(
        prediction=prediction,
        joins=sql.SQL("").join(joins),
        rows=sql.SQL(CHOSEN_ROWS),
        final=sql.SQL(FINAL_VERDICT),
        word=sql.SQL(_WORDS[word]),
        zone=sql.SQL("" if zone_id is None else _IN_ZONE).format(inside=sql.SQL(INSIDE)),
    )


def _is_short(scope: Scope) -> bool:
    start, end = scope.span()
    return start is not None and end is not None and end - start <= _FEW_DAYS


def _key(rank: float | datetime, image_id: int) -> str:
    return f"{rank.timestamp() if isinstance(rank, datetime) else rank!r}_{image_id}"


def _read_key(after: str | None, order: Order) -> tuple[float | datetime | None, int | None]:
    if not after:
        return None, None
    match = _KEY.fullmatch(after)
    try:
        text, image_id = match.groups() if match else ("", "")
        rank = float(text)
        return (datetime.fromtimestamp(rank, UTC) if order == "newest" else rank), int(image_id)
    except (ValueError, OverflowError, OSError):
        raise ScopeError({"after": "Expected the “next” of an earlier page, or nothing."}) from None
