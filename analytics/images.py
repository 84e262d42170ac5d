"""The images behind a number, a page at a time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, LiteralString

from psycopg import sql

from analytics.relations import AFFECTED, CHOSEN_ROWS, parameters
from analytics.scope import Scope, ScopeError

Verdict = Literal["pass", "fail"]
Order = Literal["worst", "newest"]

_KEY = re.compile(r"(-?[0-9.e+-]{1,40}|inf)_([0-9]{1,18})")

# What the order sorts by, descending; with a label in the scope the worst are those with most of it.
_RANKS: Mapping[Order, LiteralString] = {
    "worst": """CASE WHEN %(label_id)s::bigint IS NULL THEN prediction.defect_area_fraction
                     ELSE measurement.area_fraction END""",
    "newest": "extract(epoch FROM image.captured_at)::float8",
}

_CHOSEN: LiteralString = """
    SELECT image.id AS image_id, prediction.id AS prediction_id,
           coalesce(batch_image.name, image.name) AS name, prediction.verdict, prediction.confidence,
           prediction.defect_area_fraction, image.captured_at, {rank} AS rank
    FROM prediction
    JOIN image ON image.id = prediction.image_id
    LEFT JOIN batch_image
        ON batch_image.image_id = image.id AND batch_image.batch_id = %(batch_id)s::bigint
    LEFT JOIN measurement
        ON measurement.prediction_id = prediction.id AND measurement.label_id = %(label_id)s::bigint
    WHERE {rows}
      AND (%(label_id)s::bigint IS NULL OR {affected})
      AND (%(verdict)s::text IS NULL OR prediction.verdict = %(verdict)s::text)
"""

_PAGE: LiteralString = """
    SELECT image_id, prediction_id, name, verdict, confidence, defect_area_fraction, captured_at, rank
    FROM ({chosen}) AS chosen
    WHERE %(after_id)s::bigint IS NULL OR (rank, image_id) < (%(after_rank)s::float8, %(after_id)s::bigint)
    ORDER BY rank DESC, image_id DESC
    LIMIT %(limit)s
"""

_NEIGHBOURS: LiteralString = """
    WITH chosen AS ({chosen}), here AS (SELECT rank, image_id FROM chosen WHERE image_id = %(image_id)s)
    SELECT (SELECT chosen.image_id FROM chosen, here
            WHERE (chosen.rank, chosen.image_id) > (here.rank, here.image_id)
            ORDER BY chosen.rank, chosen.image_id LIMIT 1),
           (SELECT chosen.image_id FROM chosen, here
            WHERE (chosen.rank, chosen.image_id) < (here.rank, here.image_id)
            ORDER BY chosen.rank DESC, chosen.image_id DESC LIMIT 1)
"""


@dataclass(frozen=True)
class ImageRow:
    """One inspected image. `name` is its path in the scope's batch, or in the first batch it came with.

    `defect_area_fraction` and `confidence` are 0–1; `captured_at` is aware.
    """

    image_id: int
    prediction_id: int
    name: str
    verdict: Verdict
    confidence: float | None
    defect_area_fraction: float
    captured_at: datetime


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
    order: Order = "worst",
    after: str | None = None,
    limit: int = 60,
) -> ImagePage:
    """A page of the scope's inspected images, largest defect area first (or newest first).

    With a label in the scope only the images that it affects, those with the largest area of it first.
    A page is found by its predecessor's last row, not by counting: page 1,000 costs what page 1 does.
    ScopeError for an `after` that no page gave.
    """
    after_rank, after_id = _read_key(after)
    values = parameters(scope) | {
        "verdict": verdict,
        "after_rank": after_rank,
        "after_id": after_id,
        "limit": limit + 1,
    }
    cursor.execute(_statement(_PAGE, order), values)
    rows = cursor.fetchall()
    page = rows[:limit]
    more = len(rows) > limit
    return ImagePage(
        items=tuple(ImageRow(*row[:-1]) for row in page),
        next=f"{page[-1][-1]!r}_{page[-1][0]}" if more else None,
    )


def image_neighbours(
    cursor: Any, scope: Scope, image_id: int, *, verdict: Verdict | None = None, order: Order = "worst"
) -> tuple[int | None, int | None]:
    """Ids of the images before and after this one in the order of `image_rows`; None at its ends."""
    values = parameters(scope) | {"verdict": verdict, "image_id": image_id}
    cursor.execute(_statement(_NEIGHBOURS, order), values)
    before, after = cursor.fetchone()
    return before, after


def image_count(cursor: Any, scope: Scope, *, verdict: Verdict | None = None) -> int:
    """How many images `image_rows` pages through."""
    statement = sql.SQL("SELECT count(*) FROM ({chosen}) AS chosen").format(chosen=_chosen("worst"))
    cursor.execute(statement.as_string(None), parameters(scope) | {"verdict": verdict})
    return int(cursor.fetchone()[0])


def _statement(template: LiteralString, order: Order) -> str:
    return sql.SQL(template).format(chosen=_chosen(order)).as_string(None)


def _chosen(order: Order) -> sql.Composable:
    return sql.SQL(_CHOSEN).format(rank=sql.SQL(_RANKS[order]), rows=sql.SQL(CHOSEN_ROWS), affected=sql.SQL(AFFECTED))


def _read_key(after: str | None) -> tuple[float | None, int | None]:
    if not after:
        return None, None
    match = _KEY.fullmatch(after)
    try:
        rank, image_id = match.groups() if match else ("", "")
        return float(rank), int(image_id)
    except ValueError:
        raise ScopeError({"after": "Expected the “next” of an earlier page, or nothing."}) from None
