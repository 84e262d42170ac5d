"""Parquet files, a group of rows at a time."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from analytics import Grain
from analytics.reports import COLUMNS, report_rows
from webapp.pipeline.report_writers.content import Content, Progress, RowCount

GROUP_ROWS = 50_000


def write_parquet(path: Path, content: Content, grain: Grain, progress: Progress) -> int:
    """Write one grain with its types and return its rows.

    The file's metadata say the scope, the row count and, per column, unit and meaning.
    """
    schema = _schema(content, grain)
    rows = report_rows(content.cursor, content.scope, grain)
    tally = RowCount(content, (grain,), progress)
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        while group := list(islice(rows, GROUP_ROWS)):
            arrays = [
                pa.array(values, field.type) for values, field in zip(zip(*group, strict=True), schema, strict=True)
            ]
            writer.write_batch(pa.record_batch(arrays, schema=schema))
            tally.add(len(group))
        writer.add_key_value_metadata(
            {"rows": str(tally.count), "written_at": content.written_at.isoformat(), **_keys(content)}
        )
    return tally.count


def _schema(content: Content, grain: Grain) -> pa.Schema:
    types = {
        "whole": pa.int64(),
        "decimal": pa.float64(),
        "flag": pa.bool_(),
        "word": pa.string(),
        "name": pa.string(),
        "time": pa.timestamp("us", tz=content.scope.time_zone),
        "day": pa.date32(),
    }
    return pa.schema(
        pa.field(name, types[column.kind], metadata={"unit": column.unit, "meaning": column.meaning})
        for name, column in COLUMNS[grain].items()
    )


def _keys(content: Content) -> dict[str, str]:
    return {name.lower().replace(" ", "_"): text for name, text in content.about()}
