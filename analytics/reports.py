"""CSV files of a scope, streamed: constant memory, however many rows."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any, Literal, LiteralString, get_args

from psycopg import ClientCursor, sql

from analytics import queries
from analytics.dashboard import local
from analytics.relations import CHOSEN_ROWS, parameters
from analytics.report_columns import DAILY, FORMULA_STARTS, IMAGES, LABELS, REGIONS
from analytics.scope import Scope
from analytics.statistics import wilson

Grain = Literal["images", "labels", "regions", "daily"]
GRAINS: tuple[Grain, ...] = get_args(Grain)

COLUMNS: Mapping[Grain, tuple[str, ...]] = {
    "images": tuple(IMAGES),
    "labels": tuple(LABELS),
    "regions": tuple(REGIONS),
    "daily": DAILY,
}

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
"""Put first, Excel reads the file as UTF-8; without it, as the computer's old code page."""

_CHUNK_BYTES = 1 << 16

_FROM: LiteralString = """
    FROM prediction
    JOIN image ON image.id = prediction.image_id
    JOIN model_version ON model_version.id = prediction.model_version_id
    LEFT JOIN source ON source.id = image.source_id
    LEFT JOIN batch_image
        ON batch_image.image_id = image.id AND batch_image.batch_id = %(batch_id)s::bigint
"""
_ROWS: Mapping[str, tuple[Mapping[str, LiteralString], LiteralString, LiteralString]] = {
    "images": (
        IMAGES,
        """LEFT JOIN measurement
            ON measurement.prediction_id = prediction.id AND measurement.label_id = %(label_id)s::bigint""",
        "image.captured_at, image.id",
    ),
    "labels": (
        LABELS,
        """JOIN label ON label.project_id = image.project_id
            AND (%(label_id)s::bigint IS NULL OR label.id = %(label_id)s::bigint)
        LEFT JOIN measurement
            ON measurement.prediction_id = prediction.id AND measurement.label_id = label.id""",
        "image.captured_at, image.id, label.index",
    ),
    "regions": (
        REGIONS,
        """JOIN region ON region.prediction_id = prediction.id
            AND (%(label_id)s::bigint IS NULL OR region.label_id = %(label_id)s::bigint)
        JOIN label ON label.id = region.label_id
        LEFT JOIN measurement
            ON measurement.prediction_id = prediction.id AND measurement.label_id = region.label_id""",
        "image.captured_at, image.id, region.id",
    ),
}


def report(cursor: Any, scope: Scope, grain: Grain, *, byte_order_mark: bool = False) -> Iterator[bytes]:
    """The CSV of a scope in UTF-8, header first, in chunks of about 64 KiB.

    Grains: "images" one row per inspected image, "labels" per image and label (zeros included), "regions" per
    region, "daily" per day and source. With a label in the scope, `defective` and `affected` are about that
    label, and only its rows are in "labels" and "regions".
    """
    if byte_order_mark:
        yield BYTE_ORDER_MARK
    yield from _daily(cursor, scope) if grain == "daily" else _copied(cursor, scope, grain)


def report_filename(slug: str, grain: Grain, scope: Scope) -> str:
    """A name that says what is inside: `floor-images-2026-05-01-to-2026-05-31.csv`."""
    parts = [slug, grain]
    parts += [f"from-{scope.start}"] if scope.start and not scope.end else []
    parts += [f"to-{scope.end}"] if scope.end and not scope.start else []
    parts += [f"{scope.start}-to-{scope.end}"] if scope.start and scope.end else []
    return "-".join(parts) + ".csv"


def _copied(cursor: Any, scope: Scope, grain: Grain) -> Iterator[bytes]:
    columns, joins, order = _ROWS[grain]
    listed = sql.SQL(", ").join(
        sql.SQL("{} AS {}").format(sql.SQL(expression), sql.Identifier(name)) for name, expression in columns.items()
    )
    statement = sql.SQL("COPY (SELECT {} {} {} WHERE {} ORDER BY {}) TO STDOUT (FORMAT csv, HEADER)").format(
        listed, sql.SQL(_FROM), sql.SQL(joins), sql.SQL(CHOSEN_ROWS), sql.SQL(order)
    )
    # COPY takes no parameters on the server; psycopg writes them in as literals.
    text = ClientCursor(cursor.connection).mogrify(statement, parameters(scope))
    with cursor.copy(text) as copy:
        yield from _chunked(copy)


def _chunked(rows: Iterator[bytes]) -> Iterator[bytes]:
    chunk = bytearray()
    for row in rows:
        chunk += row
        if len(chunk) >= _CHUNK_BYTES:
            yield bytes(chunk)
            chunk.clear()
    yield bytes(chunk)


def _daily(cursor: Any, scope: Scope) -> Iterator[bytes]:
    """Days × sources are few: the database sums them, the intervals are the dashboard's own function."""
    yield _line(DAILY)
    for row in queries.daily(cursor, scope):
        interval = wilson(row.defective_count, row.inspected_count)
        yield _line(
            (
                local(row.start, scope).date().isoformat(),
                _safe(row.site),
                _safe(row.name),
                row.inspected_count,
                row.defective_count,
                row.defective_count / row.inspected_count,
                interval.low,
                interval.high,
                row.pixels,
            )
        )


def _safe(text: str | None) -> str:
    return f"'{text}" if text and text[0] in FORMULA_STARTS else text or ""


def _line(cells: tuple[Any, ...]) -> bytes:
    line = io.StringIO()
    # The writer quotes only those line breaks that end its own lines.
    csv.writer(line, lineterminator="\r\n").writerow(cells)
    return line.getvalue().removesuffix("\r\n").encode() + b"\n"
