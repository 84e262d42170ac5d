"""Where a GeoTIFF lies: its tags by OGC GeoTIFF 1.1 (19-008r4), as far as a map and a scale take them.

Read are pictures without rotation, in degrees (WGS 84 and the like), UTM of WGS 84 and ETRS89, and Web Mercator. Of any
other projection in metres the scale and the bounds are known, but not the place on earth.
"""

from __future__ import annotations

import math
import os
import struct
from dataclasses import asdict, dataclass
from typing import Any

import tifffile

_SCALE, _TIE_POINT, _TRANSFORMATION, _KEYS = 33550, 33922, 34264, 34735
_MODEL, _GEOGRAPHIC, _PROJECTED, _LINEAR_UNIT, _RASTER = 1024, 2048, 3072, 3076, 1025
_IS_PROJECTED, _IS_GEOGRAPHIC, _PIXEL_IS_POINT, _METRE = 1, 2, 2, 9001
_WEB_MERCATOR = 3857
_BROKEN = (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RuntimeError, OSError, struct.error)

# WGS 84; ETRS89's ellipsoid differs by a tenth of a millimetre.
_RADIUS_M = 6378137.0
_FLATTENING = 1 / 298.257223563


@dataclass(frozen=True)
class Georeference:
    """`bounds`: left, bottom, right, top in `unit` ("metre" or "degree") of the system `epsg`.

    `latitude`, `longitude`: of the middle, in degrees, both or neither. `mm_per_pixel`: on the ground; None where the
    unit is no metre, or pixels are not square.
    """

    epsg: int | None
    unit: str
    bounds: tuple[float, float, float, float]
    latitude: float | None
    longitude: float | None
    mm_per_pixel: float | None

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"bounds": list(self.bounds)}


def read_georeference(path: str | os.PathLike[str]) -> Georeference | None:
    """None where the file has none, or one that is not understood. Nonsense never raises."""
    try:
        with tifffile.TiffFile(path) as file:
            page = file.pages.first
            tags = {code: page.tags[code].value for code in _WANTED if code in page.tags}
            return _georeference(tags, int(page.imagewidth), int(page.imagelength))
    except _BROKEN:
        return None


_WANTED = (_SCALE, _TIE_POINT, _TRANSFORMATION, _KEYS)


def _georeference(tags: dict[int, Any], width: int, height: int) -> Georeference | None:
    keys = _geo_keys(tags.get(_KEYS, ()))
    unit = _unit(keys)
    placed = _corner_and_scale(tags)
    if unit is None or placed is None:
        return None
    left, top, across, down = placed
    if keys.get(_RASTER) == _PIXEL_IS_POINT:
        left, top = left - across / 2, top + down / 2
    bounds = (left, top - down * height, left + across * width, top)
    if not all(math.isfinite(value) for value in bounds) or across <= 0 or down <= 0:
        return None
    epsg = keys.get(_PROJECTED if unit == "metre" else _GEOGRAPHIC)
    epsg = epsg if epsg is not None and epsg < 32767 else None
    place = _place(epsg, unit, (bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2)
    latitude, longitude = place or (None, None)
    mm = 1000 * across if unit == "metre" and math.isclose(across, down, rel_tol=0.01) else None
    if mm is not None and epsg == _WEB_MERCATOR:
        # Its metres are true on the equator only.
        mm = None if latitude is None else mm * math.cos(math.radians(latitude))
    return Georeference(epsg, unit, bounds, latitude, longitude, mm)


def _geo_keys(values: Any) -> dict[int, int]:
    """Keys whose value stands in the directory itself."""
    numbers = [int(value) for value in values]
    entries = [numbers[place : place + 4] for place in range(4, len(numbers) - 3, 4)]
    return {key: value for key, location, count, value in entries if location == 0 and count == 1}


def _unit(keys: dict[int, int]) -> str | None:
    if keys.get(_MODEL) == _IS_GEOGRAPHIC:
        return "degree"
    if keys.get(_MODEL) == _IS_PROJECTED and keys.get(_LINEAR_UNIT, _METRE) == _METRE:
        return "metre"
    return None


def _corner_and_scale(tags: dict[int, Any]) -> tuple[float, float, float, float] | None:
    """Left and top of the first pixel's corner, and the length of a pixel across and down."""
    matrix = [float(value) for value in tags.get(_TRANSFORMATION, ())]
    if len(matrix) == 16:
        if matrix[1] or matrix[4]:
            return None
        return matrix[3], matrix[7], matrix[0], -matrix[5]
    scale = [float(value) for value in tags.get(_SCALE, ())]
    tie = [float(value) for value in tags.get(_TIE_POINT, ())]
    if len(scale) < 2 or len(tie) < 6:
        return None
    column, row, _, x, y, _ = tie[:6]
    return x - column * scale[0], y + row * scale[1], scale[0], scale[1]


def _place(epsg: int | None, unit: str, x: float, y: float) -> tuple[float, float] | None:
    """Latitude and longitude in degrees."""
    found: tuple[float, float] | None = None
    if unit == "degree":
        found = y, x
    elif epsg == _WEB_MERCATOR:
        found = math.degrees(math.atan(math.sinh(y / _RADIUS_M))), math.degrees(x / _RADIUS_M)
    elif epsg is not None and (zone := _utm_zone(epsg)) is not None:
        found = from_utm(zone[0], x, y, is_south=zone[1])
    if found is None or not (abs(found[0]) <= 90 and abs(found[1]) <= 180):
        return None
    return found


def _utm_zone(epsg: int) -> tuple[int, bool] | None:
    """Zone and whether it is southern: WGS 84 (326xx, 327xx) and ETRS89 (25828 to 25838)."""
    if 32601 <= epsg <= 32660:
        return epsg - 32600, False
    if 32701 <= epsg <= 32760:
        return epsg - 32700, True
    if 25828 <= epsg <= 25838:
        return epsg - 25800, False
    return None


def from_utm(zone: int, easting_m: float, northing_m: float, *, is_south: bool = False) -> tuple[float, float]:
    """Latitude and longitude in degrees by Krüger's series to the third order (Karney 2011, "Transverse Mercator with
    an accuracy of a few nanometers"): millimetres within a zone.
    """
    n = _FLATTENING / (2 - _FLATTENING)
    quarter = _RADIUS_M / (1 + n) * (1 + n**2 / 4 + n**4 / 64)
    beta = (n / 2 - 2 * n**2 / 3 + 37 * n**3 / 96, n**2 / 48 + n**3 / 15, 17 * n**3 / 480)
    delta = (2 * n - 2 * n**2 / 3 - 2 * n**3, 7 * n**2 / 3 - 8 * n**3 / 5, 56 * n**3 / 15)
    xi = (northing_m - (1e7 if is_south else 0)) / (0.9996 * quarter)
    eta = (easting_m - 500_000) / (0.9996 * quarter)
    steps = list(enumerate(beta, start=1))
    xi_0 = xi - sum(b * math.sin(2 * j * xi) * math.cosh(2 * j * eta) for j, b in steps)
    eta_0 = eta - sum(b * math.cos(2 * j * xi) * math.sinh(2 * j * eta) for j, b in steps)
    chi = math.asin(math.sin(xi_0) / math.cosh(eta_0))
    latitude = chi + sum(d * math.sin(2 * j * chi) for j, d in enumerate(delta, start=1))
    longitude = math.radians(6 * zone - 183) + math.atan2(math.sinh(eta_0), math.cos(xi_0))
    return math.degrees(latitude), math.degrees(longitude)
