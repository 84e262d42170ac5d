"""Buckets of areas and cells of places: SQL against plain counting, quantiles against sorted areas."""

from __future__ import annotations

from bisect import bisect_left

import numpy as np
import pytest
from django.db import connection

from analytics.buckets import (
    AREA_BUCKETS,
    AREA_EDGES,
    PLACE_COLUMNS,
    PLACE_ROWS,
    area_bucket_sql,
    place_cell_sql,
    quantile,
)


def counts_of(areas: list[float]) -> list[int]:
    """Each area counted at the first edge that is not below it."""
    counts = [0] * AREA_BUCKETS
    for area in areas:
        counts[bisect_left(AREA_EDGES, area)] += 1
    return counts


def test_edges_rise_from_nothing_to_everything() -> None:
    assert (len(AREA_EDGES), AREA_EDGES[:2], AREA_EDGES[-1]) == (82, (0.0, 2**-20), 1.0)
    assert list(AREA_EDGES) == sorted(set(AREA_EDGES))
    assert AREA_EDGES[5] == 2 * AREA_EDGES[1]


@pytest.mark.django_db
def test_sql_finds_the_same_bucket_at_every_edge_and_just_beside_it() -> None:
    beside = [float(np.nextafter(edge, way)) for edge in AREA_EDGES for way in (0, 2)]
    areas = [area for area in {*AREA_EDGES, *beside} if area <= 1]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {area_bucket_sql('area')} FROM unnest(%s::float8[]) AS area", [areas])  # noqa: S608
        assert [bucket for (bucket,) in cursor.fetchall()] == [bisect_left(AREA_EDGES, area) for area in areas]


@pytest.mark.django_db
def test_sql_finds_the_cell_of_every_pixel_of_a_picture() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT x, y, {place_cell_sql('x', 'y', '50', '37')} "  # noqa: S608
            "FROM generate_series(0, 49) AS x, generate_series(0, 36) AS y"
        )
        found = cursor.fetchall()
    for x, y, cell in found:
        column, row = int((x + 0.5) / 50 * PLACE_COLUMNS), int((y + 0.5) / 37 * PLACE_ROWS)
        assert cell == row * PLACE_COLUMNS + column
    assert {cell for *_, cell in found} == set(range(192))


def test_quantiles_lie_within_a_bucket_of_the_areas_own() -> None:
    rng = np.random.default_rng(4)
    areas = np.minimum(1.0, rng.lognormal(-6, 2, 5000))
    areas[:1000] = 0
    counts = counts_of(areas.tolist())
    for q in (0.25, 0.5, 0.75, 0.9, 0.99, 1.0):
        assert quantile(counts, q) == pytest.approx(np.quantile(areas, q, method="inverted_cdf"), rel=0.19)
    assert quantile(counts, 0.1) == 0.0


def test_quantiles_of_one_place_and_of_nothing() -> None:
    assert quantile([0] * AREA_BUCKETS, 0.5) is None
    assert quantile(counts_of([0.0, 0.0]), 1.0) == 0.0
    assert quantile(counts_of([0.25] * 3), 1.0) == 0.25
    assert quantile(counts_of([0.0, 0.25]), 0.5) == 0.0
    assert quantile(counts_of([2**-21]), 0.5) == 2**-21


@pytest.mark.parametrize(
    ("counts", "q", "message"), [([1], 0.5, "82 buckets, not 1"), ([0] * 82, 1.5, "share 0–1, not 1.5")]
)
def test_what_is_no_histogram_says_why(counts: list[int], q: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        quantile(counts, q)
