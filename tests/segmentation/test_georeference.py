"""Tags of GeoTIFFs: place, bounds and scale; nonsense gives nothing."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import tifffile

from segmentation.georeference import from_utm, read_georeference
from segmentation.pictures import inspect_picture


def geotiff(path: Path, keys: list[tuple[int, int]], scale: tuple[float, float], corner: tuple[float, float]) -> Path:
    directory = [1, 1, 0, len(keys)]
    for key, value in keys:
        directory += [key, 0, 1, value]
    tifffile.imwrite(
        path,
        np.full((40, 60, 3), 90, np.uint8),
        photometric="rgb",
        extratags=[
            (33550, "d", 3, (*scale, 0.0), True),
            (33922, "d", 6, (0.0, 0.0, 0.0, *corner, 0.0), True),
            (34735, "H", len(directory), directory, True),
        ],
    )
    return path


def test_utm_on_the_central_meridian_is_the_length_of_the_meridian() -> None:
    """Northing = 0.9996 × the integral of the meridian's radius of curvature, here summed up numerically."""
    squared = (2 - 1 / 298.257223563) / 298.257223563
    steps = np.radians((np.arange(500_000) + 0.5) * (50 / 500_000))
    length = (6378137.0 * (1 - squared) / (1 - squared * np.sin(steps) ** 2) ** 1.5).sum() * math.radians(50 / 500_000)
    assert from_utm(33, 500_000, 0.9996 * length) == pytest.approx((50, 15), abs=1e-7)
    assert from_utm(33, 500_000, 1e7 - 0.9996 * length, is_south=True) == pytest.approx((-50, 15), abs=1e-7)


def test_utm_off_the_meridian() -> None:
    """The CN Tower, 43°38′33.24″ N 79°23′13.7″ W, is at 17T 630084 m E, 4833438 m N (Wikipedia, "Universal Transverse
    Mercator coordinate system")."""
    assert from_utm(17, 630_084, 4_833_438) == pytest.approx((43.642567, -79.387139), abs=1e-5)


def test_a_drone_picture_in_utm(tmp_path: Path) -> None:
    path = geotiff(tmp_path / "a.tif", [(1024, 1), (1025, 1), (3072, 32633)], (0.05, 0.05), (499_998.5, 5_538_631.7))
    found = read_georeference(path)
    assert found is not None
    assert (found.epsg, found.unit) == (32633, "metre")
    assert found.bounds == pytest.approx((499_998.5, 5_538_629.7, 500_001.5, 5_538_631.7))
    assert found.mm_per_pixel == pytest.approx(50)
    assert (found.latitude, found.longitude) == pytest.approx((50, 15), abs=1e-6)
    facts = inspect_picture(path)
    assert (facts.latitude, facts.longitude) == (found.latitude, found.longitude)
    assert facts.georeference == found


def test_degrees_and_web_mercator(tmp_path: Path) -> None:
    path = geotiff(tmp_path / "a.tif", [(1024, 2), (2048, 4326)], (1e-5, 1e-5), (9.0, 48.0))
    found = read_georeference(path)
    assert found is not None
    assert (found.epsg, found.unit, found.mm_per_pixel) == (4326, "degree", None)
    assert (found.latitude, found.longitude) == pytest.approx((47.9998, 9.0003))
    corner = (math.radians(9) * 6378137, math.asinh(math.tan(math.radians(60))) * 6378137)
    found = read_georeference(geotiff(tmp_path / "b.tif", [(1024, 1), (3072, 3857)], (0.1, 0.1), corner))
    assert found is not None
    assert (found.latitude, found.longitude) == pytest.approx((60, 9), abs=1e-4)
    assert found.mm_per_pixel == pytest.approx(50, rel=1e-4)


def test_other_projections_keep_their_scale_and_feet_are_not_understood(tmp_path: Path) -> None:
    found = read_georeference(geotiff(tmp_path / "a.tif", [(1024, 1), (3072, 2056)], (0.25, 0.25), (2.6e6, 1.2e6)))
    assert found is not None
    assert (found.latitude, found.mm_per_pixel) == (None, 250)
    assert read_georeference(geotiff(tmp_path / "b.tif", [(1024, 1), (3076, 9002)], (1, 1), (0, 0))) is None


@pytest.mark.parametrize("scale", [(0.0, 0.0), (-1.0, 1.0), (math.nan, 1.0), (1e308, 1e308)])
def test_nonsense_gives_nothing(scale: tuple[float, float], tmp_path: Path) -> None:
    assert read_georeference(geotiff(tmp_path / "a.tif", [(1024, 1), (3072, 32633)], scale, (1e300, 1e300))) is None
    (tmp_path / "b.tif").write_bytes(b"II*\0nonsense")
    assert read_georeference(tmp_path / "b.tif") is None
    assert read_georeference(tmp_path / "missing.tif") is None
