"""What the page of sources asks the database: three statements over daily sums."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, LiteralString

from analytics.relations import By
from analytics.scope import Scope
from analytics.tabs.days import as_text, day_parameters, inspected_days, label_days


@dataclass(frozen=True)
class SourceCounts:
    """One source. `defective_count`: final verdict fail, or affected by the scope's label."""

    source_id: int | None
    name: str | None
    inspected_count: int
    defective_count: int
    pixels: int


@dataclass(frozen=True)
class SourceDay:
    source_id: int | None
    day: date
    inspected_count: int
    defective_count: int


@dataclass(frozen=True)
class SourceArea:
    """Of one source: pixels and regions of the defects, or of the scope's label."""

    source_id: int | None
    pixels: int
    region_count: int


_COUNTED: LiteralString = """
    SELECT source_id, inspected_count,
           CASE WHEN %(label_id)s::bigint IS NULL THEN final_fail_count ELSE 0 END AS defective_count, pixels
    FROM ({inspected}) AS inspected
    UNION ALL
    SELECT source_id, 0, affected_count, 0 FROM ({found}) AS found WHERE label_id = %(label_id)s::bigint
"""

_COUNTED_DAYS: LiteralString = """
    SELECT source_id, day, inspected_count,
           CASE WHEN %(label_id)s::bigint IS NULL THEN final_fail_count ELSE 0 END AS defective_count
    FROM ({inspected}) AS inspected
    UNION ALL
    SELECT source_id, day, 0, affected_count FROM ({found}) AS found WHERE label_id = %(label_id)s::bigint
"""

_BY_SOURCE: LiteralString = """
    SELECT counted.source_id, concat_ws(' / ', nullif(source.site, ''), source.name), counted.inspected_count,
           counted.defective_count, counted.pixels
    FROM (SELECT source_id, sum(inspected_count)::bigint AS inspected_count,
                 sum(defective_count)::bigint AS defective_count, sum(pixels)::bigint AS pixels
          FROM ({counted}) AS counted GROUP BY source_id HAVING sum(inspected_count) > 0) AS counted
    LEFT JOIN source ON source.id = counted.source_id
    ORDER BY source.site, source.name
"""

_BY_DAY: LiteralString = """
    SELECT source_id, day, sum(inspected_count)::bigint, sum(defective_count)::bigint
    FROM ({counted}) AS counted
    WHERE source_id = ANY(%(source_ids)s::bigint[]) OR 0 = ANY(%(source_ids)s::bigint[]) AND source_id IS NULL
    GROUP BY source_id, day HAVING sum(inspected_count) > 0 ORDER BY day
"""

_AREAS: LiteralString = """
    SELECT source_id, sum(pixels)::bigint, sum(region_count)::bigint
    FROM ({found}) AS found
    WHERE label_id = ANY(SELECT label.id FROM label WHERE label.project_id = %(project_id)s
                         AND CASE WHEN %(label_id)s::bigint IS NULL THEN label.is_defect
                                  ELSE label.id = %(label_id)s::bigint END)
    GROUP BY source_id
"""


def by_source(cursor: Any, scope: Scope) -> tuple[SourceCounts, ...]:
    """Counts per source, by site and name; images without a source come last."""
    cursor.execute(_text(_BY_SOURCE, _COUNTED, scope, by="source"), day_parameters(scope))
    return tuple(SourceCounts(row[0], row[1] or None, *row[2:]) for row in cursor.fetchall())


def by_day(cursor: Any, scope: Scope, source_ids: list[int]) -> tuple[SourceDay, ...]:
    """Counts per source and day, oldest first; `source_ids` as scopes number sources."""
    cursor.execute(
        _text(_BY_DAY, _COUNTED_DAYS, scope, by="time and source"), day_parameters(scope) | {"source_ids": source_ids}
    )
    return tuple(SourceDay(*row) for row in cursor.fetchall())


def areas(cursor: Any, scope: Scope) -> tuple[SourceArea, ...]:
    """Defect area and regions per source."""
    cursor.execute(as_text(_AREAS, found=label_days(scope, by="source")), day_parameters(scope))
    return tuple(SourceArea(*row) for row in cursor.fetchall())


def _text(template: LiteralString, counted: LiteralString, scope: Scope, *, by: By) -> str:
    relation = as_text(counted, inspected=inspected_days(scope, by=by), found=label_days(scope, by=by))
    return template.replace("{counted}", relation)
