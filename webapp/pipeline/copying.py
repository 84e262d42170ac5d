"""Rows of numbers into a table by COPY, many times as fast as INSERT."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

from django.db.backends.utils import CursorWrapper

_ROWS_AT_ONCE = 2000


def copy_numbers(
    cursor: CursorWrapper, table: str, columns: Sequence[str], rows: Iterable[Sequence[float | None]]
) -> None:
    """Append rows of int, float and None to `columns` of `table`.

    Numbers need no quoting, so lines are put together here: a third of what psycopg's `write_row` takes.
    """
    waiting = iter(rows)
    with cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
        while some := list(islice(waiting, _ROWS_AT_ONCE)):
            copy.write("".join([_line(row) for row in some]))


def _line(row: Sequence[float | None]) -> str:
    return "\t".join(["\\N" if value is None else repr(value) for value in row]) + "\n"
