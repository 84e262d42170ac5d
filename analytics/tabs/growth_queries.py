"""What the growth page asks the database: one statement over daily sums."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, LiteralString

from psycopg import sql

from analytics.scope import Scope
from analytics.tabs.days import as_text, day_parameters, inspected_days, label_days


@dataclass(frozen=True)
class AssetDay:
    """One day of one asset: its images, their pixels, and those of one label."""

    source_id: int
    name: str
    mm_per_pixel: float | None
    day: date
    inspected_count: int
    whole_pixels: int
    label_pixels: int
    affected_count: int


# An array is looked up in the index by source, where a join would read every source's days.
_ASSET_IDS: LiteralString = "ARRAY(SELECT id FROM source WHERE project_id = %(project_id)s AND kind = 'asset')"

_ASSETS: LiteralString = """
    SELECT source.id, concat_ws(' / ', nullif(source.site, ''), source.name), source.mm_per_pixel, counted.day,
           sum(counted.inspected_count)::bigint, sum(counted.whole)::bigint, sum(counted.marked)::bigint,
           sum(counted.affected)::bigint
    FROM (SELECT source_id, day, inspected_count, pixels AS whole, 0 AS marked, 0 AS affected
          FROM ({inspected}) AS inspected WHERE source_id = ANY({assets})
          UNION ALL
          SELECT source_id, day, 0, 0, pixels, affected_count FROM ({found}) AS found
          WHERE label_id = %(growth_label_id)s::bigint AND source_id = ANY({assets})) AS counted
    JOIN source ON source.id = counted.source_id
    GROUP BY source.id, counted.day HAVING sum(counted.inspected_count) > 0
    ORDER BY source.site, source.name, counted.day
"""

_LARGEST: LiteralString = """
    SELECT label.id FROM ({found}) AS found
    JOIN label ON label.id = found.label_id AND label.is_defect
    JOIN source ON source.id = found.source_id AND source.kind = 'asset'
    GROUP BY label.id ORDER BY sum(found.pixels) DESC, label.index LIMIT 1
"""

_INSPECTED: LiteralString = "SELECT coalesce(sum(inspected_count), 0)::bigint FROM ({inspected}) AS inspected"


def largest_label(cursor: Any, scope: Scope) -> int | None:
    """The defect label that covers most of the assets here; None where there is none."""
    cursor.execute(as_text(_LARGEST, found=label_days(scope, by="source")), day_parameters(scope))
    row = cursor.fetchone()
    return int(row[0]) if row else None


def asset_days(cursor: Any, scope: Scope, label_id: int) -> tuple[AssetDay, ...]:
    """Every day of every asset, by site, name and day."""
    inspected = inspected_days(scope, by="time and source")
    found = label_days(scope, by="time and source")
    text = as_text(_ASSETS, inspected=inspected, found=found, assets=sql.SQL(_ASSET_IDS))
    cursor.execute(text, day_parameters(scope) | {"growth_label_id": label_id})
    return tuple(AssetDay(*row) for row in cursor.fetchall())


def inspected_count(cursor: Any, scope: Scope) -> int:
    cursor.execute(as_text(_INSPECTED, inspected=inspected_days(scope, by="time")), day_parameters(scope))
    return int(cursor.fetchone()[0])
