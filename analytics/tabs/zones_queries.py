"""What was seen in the zones of cameras: the newest frames of a scope, and the regions whose centre lies in a zone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

from psycopg import sql

from analytics.relations import chosen_rows, parameters
from analytics.scope import Scope
from analytics.tabs.days import as_text

NEWEST_FRAMES = 20_000
"""So many of the newest images from cameras with zones are looked at."""

_POINT = re.compile(r"\(([^(),]+),([^(),]+)\)")


@dataclass(frozen=True)
class ZoneRow:
    """`corners` in shares of the picture's width and height, from the upper left."""

    id: int
    name: str
    source_id: int
    source: str
    corners: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class FrameRow:
    """`place` counts a source's frames in the order of their times; `at` is aware; photos stand for no time."""

    source_id: int
    place: int
    at: datetime
    seconds: float | None


@dataclass(frozen=True)
class SeenRow:
    """A label in a zone in one frame: its regions that reach the label's limit, and their share of the picture."""

    zone_id: int
    label_id: int
    place: int
    region_count: int
    area_fraction: float


_ZONES: LiteralString = """
    SELECT zone.id, zone.name, zone.source_id,
           CASE WHEN source.site = '' THEN source.name ELSE source.site || ' / ' || source.name END, zone.shape::text
    FROM zone JOIN source ON source.id = zone.source_id
    WHERE source.project_id = %(project_id)s
      AND (%(source_id)s::bigint IS NULL OR zone.source_id = %(source_id)s::bigint)
    ORDER BY source.site, source.name, zone.id
"""

_FRAMES: LiteralString = """
    SELECT id, source_id, captured_at, image_id, min_region_px,
           row_number() OVER (PARTITION BY source_id ORDER BY captured_at, id) AS place
    FROM (SELECT prediction.id, prediction.source_id, prediction.captured_at, prediction.image_id,
                 prediction.min_region_px
          FROM prediction
          WHERE {rows} AND prediction.source_id = ANY(%(sources)s)
          ORDER BY prediction.captured_at DESC LIMIT %(newest)s) AS newest
"""

_LISTED: LiteralString = """
    SELECT frames.source_id, frames.place, frames.captured_at, image.frame_seconds
    FROM ({frames}) AS frames JOIN image ON image.id = frames.image_id
    ORDER BY frames.source_id, frames.place
"""

_SEEN: LiteralString = """
    SELECT zone.id, region.label_id, frames.place, count(*),
           sum(region.area_px / (image.width_px::float8 * image.height_px))
    FROM ({frames}) AS frames
    JOIN image ON image.id = frames.image_id
    JOIN zone ON zone.source_id = frames.source_id
    JOIN region ON region.prediction_id = frames.id
    JOIN measurement ON measurement.prediction_id = region.prediction_id AND measurement.label_id = region.label_id
    JOIN label ON label.id = region.label_id
    WHERE (CASE WHEN %(label_id)s::bigint IS NULL THEN label.index > 0
                ELSE region.label_id = %(label_id)s::bigint END)
      AND region.area_px >= coalesce(measurement.min_region_px, frames.min_region_px)
      AND {inside}
    GROUP BY zone.id, region.label_id, frames.place
    ORDER BY zone.id, region.label_id, frames.place
"""

INSIDE: LiteralString = """
    zone.shape @> point((region.centroid_x_px + 0.5::float8) / image.width_px,
                        (region.centroid_y_px + 0.5::float8) / image.height_px)
"""
"""A region's centre lies in a zone, or on its edge."""


def zone_rows(cursor: Any, scope: Scope) -> tuple[ZoneRow, ...]:
    cursor.execute(_ZONES, parameters(scope))
    return tuple(
        ZoneRow(zone_id, name, source_id, source, tuple((float(x), float(y)) for x, y in _POINT.findall(shape)))
        for zone_id, name, source_id, source, shape in cursor.fetchall()
    )


def frame_rows(cursor: Any, scope: Scope, zones: tuple[ZoneRow, ...]) -> tuple[FrameRow, ...]:
    """The newest images of the sources that have zones, by source and time."""
    cursor.execute(as_text(_LISTED, frames=_frames(scope)), _parameters(scope, zones))
    return tuple(FrameRow(*row) for row in cursor.fetchall())


def seen_rows(cursor: Any, scope: Scope, zones: tuple[ZoneRow, ...]) -> tuple[SeenRow, ...]:
    """What these images show in the zones: the scope's label, else every label but the first, the background."""
    cursor.execute(as_text(_SEEN, frames=_frames(scope), inside=sql.SQL(INSIDE)), _parameters(scope, zones))
    return tuple(SeenRow(*row) for row in cursor.fetchall())


def _frames(scope: Scope) -> sql.Composable:
    return sql.SQL(_FRAMES).format(rows=chosen_rows(scope))


def _parameters(scope: Scope, zones: tuple[ZoneRow, ...]) -> dict[str, Any]:
    return parameters(scope) | {"sources": sorted({zone.source_id for zone in zones}), "newest": NEWEST_FRAMES}
