"""Work that one worker at a time may do, whatever the queue delivers twice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def only_one(kind: str, row_id: int) -> Iterator[bool]:
    """A lock in PostgreSQL that a killed worker's connection gives back by itself; true for who holds it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtext(%s), %s)", [kind, row_id])
        is_mine = cursor.fetchone()[0]
        try:
            yield is_mine
        finally:
            if is_mine:
                cursor.execute("SELECT pg_advisory_unlock(hashtext(%s), %s)", [kind, row_id])
