"""What waits, what runs and what failed in the whole installation, and what the database is busy with."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import DatabaseError, connection, transaction

# Lines of work, each with the rows that wait for a worker and those a worker holds.
_DEPTHS = """
    SELECT 'images', count(*) FILTER (WHERE prediction.state = 'queued'),
           count(*) FILTER (WHERE prediction.state = 'claimed')
    FROM prediction JOIN run ON run.id = prediction.run_id
    WHERE prediction.state IN ('queued', 'claimed') AND run.state = 'running'
    UNION ALL
    SELECT 'archives', count(*), 0 FROM archive
    UNION ALL
    SELECT 'trainings', count(*) FILTER (WHERE state = 'queued'), count(*) FILTER (WHERE state = 'running')
    FROM training_run WHERE state IN ('queued', 'running')
    UNION ALL
    SELECT 'evaluations', count(*) FILTER (WHERE state = 'queued'), count(*) FILTER (WHERE state = 'running')
    FROM evaluation WHERE state IN ('queued', 'running')
    UNION ALL
    SELECT 'reports', count(*) FILTER (WHERE state = 'waiting'), count(*) FILTER (WHERE state = 'running')
    FROM report WHERE state IN ('waiting', 'running')
"""

# The part before the first colon is the kind of failure; what follows names files and numbers.
_FAILURES = """
    SELECT split_part(error, ':', 1), count(*) FROM prediction WHERE state = 'failed'
    GROUP BY 1 ORDER BY 2 DESC LIMIT 20
"""

_INSPECTED = "SELECT coalesce(sum(inspected_count), 0)::bigint, coalesce(sum(pixels), 0)::bigint FROM inspection_day"

_SLOW = """
    SELECT query, calls, mean_exec_time, total_exec_time FROM pg_stat_statements
    JOIN pg_database ON pg_database.oid = dbid
    WHERE datname = current_database() AND calls > 0 AND query !~* '^(create|alter|drop) '
    ORDER BY total_exec_time DESC LIMIT %s
"""

_SIZES = """
    SELECT relname, pg_total_relation_size(oid), greatest(reltuples, 0)::bigint FROM pg_class
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
    ORDER BY 2 DESC LIMIT %s
"""


@dataclass(frozen=True)
class Depth:
    """`name`: "images", "archives", "trainings", "evaluations" or "reports"."""

    name: str
    waiting_count: int
    running_count: int


@dataclass(frozen=True)
class Failure:
    """Images whose segmenting failed for one reason."""

    reason: str
    count: int


@dataclass(frozen=True)
class Inspected:
    """All that all model versions ever inspected; goes down only where batches are deleted."""

    image_count: int
    pixels: int


@dataclass(frozen=True)
class SlowQuery:
    query: str
    call_count: int
    mean_seconds: float
    total_seconds: float


@dataclass(frozen=True)
class TableSize:
    name: str
    size_bytes: int
    row_count: int


def depths() -> tuple[Depth, ...]:
    with connection.cursor() as cursor:
        cursor.execute(_DEPTHS)
        return tuple(Depth(*row) for row in cursor.fetchall())


def failures() -> tuple[Failure, ...]:
    """The commonest reasons first, at most twenty."""
    with connection.cursor() as cursor:
        cursor.execute(_FAILURES)
        return tuple(Failure(*row) for row in cursor.fetchall())


def inspected() -> Inspected:
    with connection.cursor() as cursor:
        cursor.execute(_INSPECTED)
        return Inspected(*cursor.fetchone())


def slow_queries(count: int) -> tuple[SlowQuery, ...] | None:
    """What the database spent most time on since it started; None where it does not keep count."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
            cursor.execute(_SLOW, [count])
            rows = cursor.fetchall()
    except DatabaseError:
        return None
    return tuple(SlowQuery(query, calls, mean / 1000, total / 1000) for query, calls, mean, total in rows)


def table_sizes(count: int) -> tuple[TableSize, ...]:
    """The largest tables with their indexes; row counts as of the last vacuum."""
    with connection.cursor() as cursor:
        cursor.execute(_SIZES, [count])
        return tuple(TableSize(*row) for row in cursor.fetchall())
