"""The rows of a scope, streamed in constant memory however many there are: as CSV, or as values for other formats."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal, LiteralString, get_args

from psycopg import ClientCursor, sql

from analytics import queries
from analytics.dashboard import local
from analytics.relations import chosen_rows, parameters
from analytics.report_columns import DAILY, FORMULA_STARTS, IMAGES, LABELS, REGIONS, Column, Kind, csv_expression
from analytics.scope import Scope
from analytics.snapshot import snapshot
from analytics.statistics import wilson

Grain = Literal["images", "labels", "regions", "daily"]
GRAINS: tuple[Grain, ...] = get_args(Grain)

COLUMNS: Mapping[Grain, Mapping[str, Column]] = {
    "images": IMAGES,
    "labels": LABELS,
    "regions": REGIONS,
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
_JOINS: Mapping[str, LiteralString] = {
    "images": """LEFT JOIN measurement
            ON measurement.prediction_id = prediction.id AND measurement.label_id = %(label_id)s::bigint""",
    "labels": """JOIN label ON label.project_id = prediction.project_id
            AND (%(label_id)s::bigint IS NULL OR label.id = %(label_id)s::bigint)
        LEFT JOIN measurement
            ON measurement.prediction_id = prediction.id AND measurement.label_id = label.id""",
    "regions": """JOIN region ON region.prediction_id = prediction.id
            AND (%(label_id)s::bigint IS NULL OR region.label_id = %(label_id)s::bigint)
        JOIN label ON label.id = region.label_id
        LEFT JOIN measurement
            ON measurement.prediction_id = prediction.id AND measurement.label_id = region.label_id""",
}
# The image's time and project once more, as the prediction repeats them: that is what the indexes hold, and read in
# their order the first row comes at once, where a sort would first read all.
_IN_INDEX: LiteralString = """
    AND prediction.project_id = %(project_id)s
    AND (%(start_at)s::timestamptz IS NULL OR prediction.captured_at >= %(start_at)s::timestamptz)
    AND (%(end_at)s::timestamptz IS NULL OR prediction.captured_at < %(end_at)s::timestamptz)
"""
_ORDER: Mapping[str, LiteralString] = {
    "images": "prediction.captured_at, prediction.image_id",
    "labels": "prediction.captured_at, prediction.image_id, label.index",
    "regions": "prediction.captured_at, prediction.image_id, region.id",
}
# A batch has few rows, and no index is in the order of its images' time.
_IN_INDEX_ORDER: LiteralString = """
    SELECT set_config('jit', 'off', true), set_config('enable_sort', 'off', true),
           set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)
"""
_IN_ZONE: LiteralString = "SELECT set_config('TimeZone', %(time_zone)s, true)"
_TYPES: Mapping[Kind, str] = {
    "whole": "int8",
    "decimal": "float8",
    "flag": "bool",
    "word": "text",
    "name": "text",
    "time": "timestamptz",
    "day": "date",
}
_CASTS: Mapping[Kind, LiteralString] = {
    "whole": "({})::int8",
    "decimal": "({})::float8",
    "flag": "({})::bool",
    "word": "({})::text",
    "name": "({})::text",
    "time": "({})::timestamptz",
    "day": "({})::date",
}


def report(cursor: Any, scope: Scope, grain: Grain, *, byte_order_mark: bool = False) -> Iterator[bytes]:
    """The CSV of a scope in UTF-8, header first, in chunks of about 64 KiB.

    Grains: "images" one row per inspected image, "labels" per image and label (zeros included), "regions" per
    region, "daily" per day and source. With a label in the scope, `defective` and `affected` are about that
    label, and only its rows are in "labels" and "regions".
    """
    if byte_order_mark:
        yield BYTE_ORDER_MARK
    if grain == "daily":
        yield _line(tuple(DAILY))
        for row in _daily(cursor, scope):
            yield _line(tuple(_safe(cell) if isinstance(cell, str) else cell for cell in row))
        return
    with _copied(cursor, scope, grain, csv_expression, "(FORMAT csv, HEADER)") as copy:
        yield from _chunked(copy)


def report_rows(cursor: Any, scope: Scope, grain: Grain) -> Iterator[tuple[Any, ...]]:
    """The same rows as Python values, in the order of `COLUMNS[grain]`; text as it was written, None where empty.

    By kind of column: "whole" int, "decimal" float, "flag" bool, "word" and "name" str, "time" an aware datetime,
    "day" a date.
    """
    if grain == "daily":
        yield from _daily(cursor, scope)
        return
    with _copied(cursor, scope, grain, _value_expression, "(FORMAT binary)") as copy:
        copy.set_types([_TYPES[column.kind] for column in COLUMNS[grain].values()])
        yield from copy.rows()


def report_filename(slug: str, grain: str, scope: Scope, ending: str = "csv") -> str:
    """A name that says what is inside: `floor-images-2026-05-01-to-2026-05-31.csv`."""
    parts = [slug, grain]
    parts += [f"from-{scope.start}"] if scope.start and not scope.end else []
    parts += [f"to-{scope.end}"] if scope.end and not scope.start else []
    parts += [f"{scope.start}-to-{scope.end}"] if scope.start and scope.end else []
    return f"{'-'.join(parts)}.{ending}"


def _value_expression(column: Column) -> LiteralString:
    return _CASTS[column.kind].replace("{}", column.expression)


@contextmanager
def _copied(
    cursor: Any, scope: Scope, grain: Grain, expression_of: Callable[[Column], LiteralString], options: LiteralString
) -> Iterator[Any]:
    """COPY of the rows, all of one moment."""
    listed = sql.SQL(", ").join(
        sql.SQL("{} AS {}").format(sql.SQL(expression_of(column)), sql.Identifier(name))
        for name, column in COLUMNS[grain].items()
    )
    query = sql.SQL("SELECT {} {} {} WHERE {} ORDER BY {}").format(
        listed, sql.SQL(_FROM), sql.SQL(_JOINS[grain]), chosen_rows(scope) + sql.SQL(_IN_INDEX), sql.SQL(_ORDER[grain])
    )
    statement = sql.SQL("COPY ({}) TO STDOUT {}").format(query, sql.SQL(options))
    # COPY takes no parameters on the server; psycopg writes them in as literals.
    text = ClientCursor(cursor.connection).mogrify(statement, parameters(scope))
    with snapshot(cursor), _own_settings(cursor):
        cursor.execute(_IN_ZONE, parameters(scope))
        if scope.batch_id is None:
            cursor.execute(_IN_INDEX_ORDER)
        with cursor.copy(text) as copy:
            yield copy


@contextmanager
def _own_settings(cursor: Any) -> Iterator[None]:
    """Settings made inside are gone afterwards, also where the caller's transaction goes on."""
    cursor.execute("SAVEPOINT report_settings")
    try:
        yield
    finally:
        cursor.execute("ROLLBACK TO SAVEPOINT report_settings")


def _chunked(rows: Iterator[Any]) -> Iterator[bytes]:
    chunk = bytearray()
    for row in rows:
        chunk += row
        if len(chunk) >= _CHUNK_BYTES:
            yield bytes(chunk)
            chunk.clear()
    yield bytes(chunk)


def _daily(cursor: Any, scope: Scope) -> Iterator[tuple[Any, ...]]:
    """Days × sources are few: the database sums them, the intervals are the dashboard's own function."""
    for row in queries.daily(cursor, scope):
        interval = wilson(row.defective_count, row.inspected_count)
        yield (
            local(row.start, scope).date(),
            row.site,
            row.name,
            row.inspected_count,
            row.defective_count,
            row.defective_count / row.inspected_count,
            interval.low,
            interval.high,
            row.pixels,
        )


def _safe(text: str) -> str:
    return f"'{text}" if text and text[0] in FORMULA_STARTS else text


def _line(cells: tuple[Any, ...]) -> bytes:
    line = io.StringIO()
    # The writer quotes only those line breaks that end its own lines.
    csv.writer(line, lineterminator="\r\n").writerow(cells)
    return line.getvalue().removesuffix("\r\n").encode() + b"\n"
