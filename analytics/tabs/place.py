"""The place page: where on the part defects sit, and where on the ground the pictures were taken."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, radians
from typing import Any, LiteralString

from analytics import tab_figures_places as figures
from analytics.buckets import PLACE_COLUMNS, PLACE_ROWS
from analytics.panels import Panel
from analytics.relations import chosen_rows, parameters
from analytics.scope import Scope
from analytics.snapshot import snapshot
from analytics.tab_figures_places import Spot
from analytics.tabs.days import as_text, day_parameters, inspected_days, place_spread
from analytics.tabs.page import ProjectLabel, TabPage, project_labels, table
from analytics.wording import count, counted, percent

MOST_SPOTS = 2_000
NEWEST_POSITIONED = 5_000
"""So many of the newest pictures with a position are looked at; the worst `MOST_SPOTS` of them are drawn."""

_M_PER_DEGREE = 111_320.0
_NINTHS = ("upper left", "top", "upper right", "left", "middle", "right", "lower left", "bottom", "lower right")


@dataclass(frozen=True)
class SpotRow:
    """A picture with a position, degrees. `is_fail`: its final verdict, or affected by the scope's label."""

    image_id: int
    name: str
    latitude: float
    longitude: float
    is_fail: bool
    area_fraction: float


_INSPECTED: LiteralString = "SELECT coalesce(sum(inspected_count), 0)::bigint FROM ({inspected}) AS inspected"

_CELLS: LiteralString = """
    SELECT spread.cell, sum(spread.n)::bigint FROM ({spread}) AS spread
    WHERE spread.label_id = ANY(%(label_ids)s) GROUP BY spread.cell
"""

# The newest first and only then the worst: sorting every positioned picture of a year would take seconds.
_SPOTS: LiteralString = """
    SELECT image_id, name, latitude, longitude, is_fail, area_fraction FROM (
        SELECT image.id AS image_id, image.name, image.latitude, image.longitude,
               CASE WHEN %(label_id)s::bigint IS NULL
                    THEN coalesce(image.reviewed_verdict, prediction.verdict) = 'fail'
                    ELSE coalesce(measurement.largest_region_px
                                  >= coalesce(measurement.min_region_px, prediction.min_region_px), false)
               END AS is_fail,
               CASE WHEN %(label_id)s::bigint IS NULL THEN prediction.defect_area_fraction
                    ELSE coalesce(measurement.area_fraction, 0) END AS area_fraction
        FROM image
        JOIN prediction ON prediction.image_id = image.id
        LEFT JOIN measurement
            ON measurement.prediction_id = prediction.id AND measurement.label_id = %(label_id)s::bigint
        WHERE image.latitude IS NOT NULL AND {rows}
        ORDER BY image.captured_at DESC LIMIT %(newest)s
    ) AS positioned
    ORDER BY is_fail DESC, area_fraction DESC, image_id DESC
"""


def inspected_count(cursor: Any, scope: Scope) -> int:
    cursor.execute(as_text(_INSPECTED, inspected=inspected_days(scope, by="time")), day_parameters(scope))
    return int(cursor.fetchone()[0])


def cells(cursor: Any, scope: Scope, label_ids: list[int]) -> list[int]:
    """Regions of these labels per cell of the grid, row by row from the upper left, by their centres."""
    values = day_parameters(scope) | {"label_ids": label_ids}
    cursor.execute(as_text(_CELLS, spread=place_spread(scope)), values)
    counts = [0] * (PLACE_COLUMNS * PLACE_ROWS)
    for cell, n in cursor.fetchall():
        counts[cell] = n
    return counts


def spots(cursor: Any, scope: Scope) -> tuple[SpotRow, ...]:
    """The newest pictures with a position, the worst first."""
    cursor.execute(as_text(_SPOTS, rows=chosen_rows(scope)), parameters(scope) | {"newest": NEWEST_POSITIONED})
    return tuple(SpotRow(*row) for row in cursor.fetchall())


def place_page(cursor: Any, scope: Scope) -> TabPage:
    """The page of a scope; without panels where nothing was inspected."""
    with snapshot(cursor):
        n = inspected_count(cursor, scope)
        if not n:
            return TabPage(0)
        labels = project_labels(cursor, scope.project_id)
        chosen = [label for label in labels if (label.id == scope.label_id if scope.label_id else label.is_defect)]
        counts = cells(cursor, scope, [label.id for label in chosen])
        positioned = spots(cursor, scope)
    return TabPage(n, (_grid(scope, chosen, counts), _ground(scope, positioned)))


def _grid(scope: Scope, chosen: list[ProjectLabel], counts: list[int]) -> Panel:
    subject = chosen[0].name if scope.label_id and chosen else "defects"
    title, total = f"Where on the picture {subject} sit", sum(counts)
    if scope.label_id:
        title = f"Where on the picture {subject} sits"
    columns = ("Place", "Regions", "Share of regions")
    if not chosen:
        words = "No label of this project is marked as a defect. Choose a label in the filters."
        return Panel("place-grid", title, words, None, columns, ())
    if not total:
        return Panel("place-grid", title, f"No region of {subject} was found in these images.", None, columns, ())
    query = scope.images_query(defective=True)
    rows = [counts[start : start + PLACE_COLUMNS] for start in range(0, len(counts), PLACE_COLUMNS)]
    hovers = [
        [f"Column {x + 1}, row {y + 1}\n{counted(n, 'region')}, {percent(n / total)} of all" for x, n in enumerate(row)]
        for y, row in enumerate(rows)
    ]
    ninths = _ninths(rows)
    name, most = max(ninths.items(), key=lambda item: item[1])
    listed = sorted(enumerate(counts), key=lambda item: -item[1])
    return Panel(
        key="place-grid",
        title=title,
        sentence=f"{counted(total, 'region')} by their centres on a grid of {PLACE_COLUMNS} by {PLACE_ROWS}. Of nine "
        f"equal parts the {name} holds most, {percent(most / total)}; evenly spread it would be {percent(1 / 9)}. A "
        f"cell opens the images with {subject}, worst first.",
        figure=figures.grid(rows, hovers=hovers, queries=[[query] * PLACE_COLUMNS for _ in rows]),
        columns=columns,
        rows=table([((_cell_name(cell), count(n), percent(n / total)), query) for cell, n in listed if n]),
    )


def _cell_name(cell: int) -> str:
    return f"Column {cell % PLACE_COLUMNS + 1}, row {cell // PLACE_COLUMNS + 1}"


def _ninths(rows: list[list[int]]) -> dict[str, float]:
    """Regions in each of nine equal parts; a column that two parts share is divided evenly among its cells."""
    sums = dict.fromkeys(_NINTHS, 0.0)
    for y, row in enumerate(rows):
        for x, n in enumerate(row):
            for part, share in _thirds(x, PLACE_COLUMNS):
                sums[_NINTHS[3 * (3 * y // PLACE_ROWS) + part]] += n * share
    return sums


def _thirds(place: int, places: int) -> list[tuple[int, float]]:
    """Which thirds of a side a cell lies in, and with what share of it."""
    first, last = 3 * place / places, 3 * (place + 1) / places
    split = int(first) + 1
    if last <= split + 1e-9:
        return [(int(first), 1.0)]
    return [(int(first), (split - first) / (last - first)), (split, (last - split) / (last - first))]


def _ground(scope: Scope, positioned: tuple[SpotRow, ...]) -> Panel:
    title = "Where on the ground pictures were taken"
    columns = ("Image", "Verdict", "Latitude", "Longitude", "Defect area")
    if not positioned:
        words = "No picture here carries a position (GPS). Switch it on in the camera or the drone to see a map."
        return Panel("place-ground", title, words, None, columns, ())
    shown = positioned[:MOST_SPOTS]
    fails = sum(row.is_fail for row in shown)
    words = f"{counted(len(shown), 'picture')} with a position, {count(fails)} of them failed (diamonds)."
    if len(positioned) > len(shown):
        words = f"The worst {count(MOST_SPOTS)} of the newest {count(len(positioned))} with a position. {words}"
    return Panel(
        key="place-ground",
        title=title,
        sentence=f"{words} North is up; no background map, as nothing leaves this machine. A point opens its image.",
        figure=figures.ground(ground_spots(scope, shown)),
        columns=columns,
        rows=table(
            [
                (
                    (
                        row.name,
                        "Fail" if row.is_fail else "Pass",
                        f"{row.latitude:.5f}",
                        f"{row.longitude:.5f}",
                        percent(row.area_fraction),
                    ),
                    image_link(scope, row.image_id),
                )
                for row in shown[:200]
            ]
        ),
    )


def image_link(scope: Scope, image_id: int) -> str:
    """What opens one image, with the scope's others before and after it."""
    query = scope.images_query(defective=scope.label_id is not None)
    return f"/{image_id}/?{query}" if query else f"/{image_id}/"


def ground_spots(scope: Scope, rows: tuple[SpotRow, ...]) -> list[Spot]:
    """Degrees into metres around their middle; good to a metre or so within a town, to a percent within a country.

    An equirectangular projection: a degree of longitude shrinks with the cosine of the latitude. Longitudes are taken
    the short way around from the first picture's, so that a site on the date line stays in one piece.
    """
    first = rows[0].longitude
    east = [first + (row.longitude - first + 540) % 360 - 180 for row in rows]
    north = [row.latitude for row in rows]
    middle_east, middle_north = (min(east) + max(east)) / 2, (min(north) + max(north)) / 2
    scale = _M_PER_DEGREE * cos(radians(middle_north))
    return [
        Spot(
            east_m=(x - middle_east) * scale,
            north_m=(row.latitude - middle_north) * _M_PER_DEGREE,
            is_fail=row.is_fail,
            hover=f"{row.name}\n{'Fail' if row.is_fail else 'Pass'}, {percent(row.area_fraction)} of the picture",
            query=image_link(scope, row.image_id),
        )
        for x, row in zip(east, rows, strict=True)
    ]
