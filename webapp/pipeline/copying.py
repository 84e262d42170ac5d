"""Rows of numbers into a table by COPY, many times as fast as INSERT."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from django.db.backends.utils import CursorWrapper


def copy_numbers(
    cursor: CursorWrapper, table: str, types: Mapping[str, str], rows: Iterable[Sequence[float | None]]
) -> None:
    """Append rows of int, float and None to the columns of `table` that `types` names, with their SQL types.

    In COPY's binary format: reading floats from text took the server a quarter of the time of writing regions.
    """
    with cursor.copy(f"COPY {table} ({', '.join(types)}) FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types(list(types.values()))
        write_row = copy.write_row
        for row in rows:
            write_row(row)
