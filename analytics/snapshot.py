"""One moment for several statements, so that numbers of one page cannot disagree."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from psycopg.pq import TransactionStatus


@contextmanager
def snapshot(cursor: Any) -> Iterator[None]:
    """Let the statements inside see the database as it stands at the first of them.

    Workers save results while a page is read. Within a caller's transaction nothing is begun: there the
    caller has chosen what is seen.
    """
    if cursor.connection.info.transaction_status != TransactionStatus.IDLE:
        yield
        return
    cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    try:
        yield
    finally:
        cursor.execute("ROLLBACK")
