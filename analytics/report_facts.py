"""What a report says about itself: its scope in words, and which model versions judged its images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, LiteralString

from psycopg import sql

from analytics.dashboard import Dashboard
from analytics.queries import choices
from analytics.relations import chosen_rows, parameters
from analytics.reports import Grain
from analytics.scope import WITHOUT_SOURCE, Choice, Scope
from analytics.wording import day, hour

_VERSIONS: LiteralString = """
    SELECT model_version.id, model_version.number, model_version.architecture, counted.image_count
    FROM (SELECT prediction.model_version_id, count(*) AS image_count
          FROM prediction JOIN image ON image.id = prediction.image_id WHERE {rows}
          GROUP BY prediction.model_version_id) AS counted
    JOIN model_version ON model_version.id = counted.model_version_id
    ORDER BY model_version.number
"""


@dataclass(frozen=True)
class VersionRow:
    """A model version that judged `image_count` of the scope's images."""

    model_version_id: int
    number: int
    architecture: str
    image_count: int

    def __str__(self) -> str:
        return f"v{self.number} {self.architecture}"


def versions(cursor: Any, scope: Scope) -> tuple[VersionRow, ...]:
    """The model versions behind a scope's images, by number."""
    statement = sql.SQL(_VERSIONS).format(rows=chosen_rows(scope)).as_string(None)
    cursor.execute(statement, parameters(scope))
    return tuple(VersionRow(*row) for row in cursor.fetchall())


def scope_words(cursor: Any, scope: Scope) -> str:
    """One sentence without its full stop: “1 May 2026 to 31 May 2026, source Line 1, all models' newest results”."""
    offered = choices(cursor, scope.project_id, batch=str(scope.batch_id or ""))
    parts = [_period(scope)]
    if scope.hour:
        parts.append(f"the hour from {hour(scope.hour, scope.time_zone)}")
    if scope.source_id == WITHOUT_SOURCE:
        parts.append("images without a source")
    elif scope.source_id is not None:
        parts.append(f"source {_name(offered.sources, scope.source_id)}")
    if scope.label_id is not None:
        parts.append(f"label {_name(offered.labels, scope.label_id)}")
    if scope.model_version_id is not None:
        parts.append(f"judged by model {_name(offered.model_versions, scope.model_version_id)}")
    if scope.batch_id is not None:
        parts.append(f"batch {_name(offered.batches, scope.batch_id)}")
    return ", ".join(parts)


def expected_rows(dashboard: Dashboard, grain: Grain) -> int:
    """How many rows a grain will about have; exact for images and labels."""
    if grain == "images":
        return dashboard.summary.inspected_count
    shown = [row for row in dashboard.labels if dashboard.scope.label_id in (None, row.label_id)]
    if grain == "labels":
        return dashboard.summary.inspected_count * len(shown)
    if grain == "regions":
        return sum(row.region_count for row in shown)
    return len(dashboard.trend) * max(len(dashboard.sources), 1)


def _period(scope: Scope) -> str:
    if scope.start and scope.end:
        return day(scope.start) if scope.start == scope.end else f"{day(scope.start)} to {day(scope.end)}"
    if scope.start:
        return f"from {day(scope.start)}"
    return f"up to {day(scope.end)}" if scope.end else "all time"


def _name(offered: tuple[Choice, ...], row_id: int) -> str:
    return next((choice.name for choice in offered if choice.id == row_id), f"number {row_id}")
