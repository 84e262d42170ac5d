"""Length, breadth and orientation of drawn bars, ellipses and bent strokes at many angles."""

from __future__ import annotations

import math

import numpy as np
import pytest

from segmentation.measure import measure
from segmentation.shapes import Shape, measure_shape

ANGLES = (0, 10, 22.5, 30, 45, 60, 90, 120, 157)


def grid(side: int) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates from the middle; up is positive."""
    rows, columns = np.mgrid[0:side, 0:side] - side / 2 + 0.5
    return columns, -rows


def turned(angle_deg: float, side: int = 300) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates along and across a direction."""
    x, y = grid(side)
    angle = math.radians(angle_deg)
    return x * math.cos(angle) + y * math.sin(angle), y * math.cos(angle) - x * math.sin(angle)


def bar(length: float, breadth: float, angle_deg: float) -> np.ndarray:
    along, across = turned(angle_deg)
    return (abs(along) <= length / 2) & (abs(across) <= breadth / 2)


def ellipse(major: float, minor: float, angle_deg: float) -> np.ndarray:
    along, across = turned(angle_deg)
    return (along / (major / 2)) ** 2 + (across / (minor / 2)) ** 2 <= 1


def measured(drawn: np.ndarray) -> Shape:
    rows, columns = np.nonzero(drawn)
    box = drawn[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    return measure_shape(np.ascontiguousarray(box).view(np.uint8), int(box.sum()))


def turn_between(one_deg: float, other_deg: float) -> float:
    return abs((one_deg - other_deg + 90) % 180 - 90)


@pytest.mark.parametrize(("length", "breadth"), [(200, 3), (200, 10), (100, 20), (60, 6)])
@pytest.mark.parametrize("angle", ANGLES)
def test_thin_bars_have_their_length(length: float, breadth: float, angle: float) -> None:
    drawn = bar(length, breadth, angle)
    shape = measured(drawn)
    assert 0.92 * length - 1 <= shape.length_px <= 1.1 * length + 1
    assert shape.length_px * shape.breadth_px == pytest.approx(drawn.sum())
    assert turn_between(shape.orientation_deg, angle) < 0.5


@pytest.mark.parametrize(("major", "minor"), [(100, 25), (60, 30), (40, 12)])
@pytest.mark.parametrize("angle", ANGLES)
def test_compact_ellipses_have_their_axes(major: float, minor: float, angle: float) -> None:
    shape = measured(ellipse(major, minor, angle))
    assert shape.length_px == pytest.approx(major, rel=0.02, abs=1)
    assert shape.breadth_px == pytest.approx(minor, rel=0.02, abs=1)
    assert turn_between(shape.orientation_deg, angle) < 1


@pytest.mark.parametrize("angle", ANGLES)
def test_slim_pointed_ellipses_lose_a_little_of_their_tips(angle: float) -> None:
    assert 0.85 * 200 <= measured(ellipse(200, 10, angle)).length_px <= 1.09 * 200


@pytest.mark.parametrize(
    ("drawn", "length"),
    [
        (lambda x, y: abs(np.hypot(x, y) - 100) <= 4, 2 * math.pi * 100),
        (lambda x, y: (abs(np.hypot(x, y) - 100) <= 4) & (y > 0), math.pi * 100),
        (lambda x, y: ((abs(x) <= 2) & (abs(y) < 100)) | ((abs(y) <= 2) & (abs(x) < 100)), 400),
        (lambda x, y: (abs(y - 15 * np.sin(x / 15)) <= 2) & (abs(x) < 94.25), 229.2),
    ],
    ids=["ring", "half a ring", "cross", "wave"],
)
def test_bent_strokes_are_measured_along_their_middle(drawn: object, length: float) -> None:
    assert measured(drawn(*grid(300))).length_px == pytest.approx(length, rel=0.09)  # type: ignore[operator]


def test_arms_thinner_than_a_blob_on_them_are_not_lost() -> None:
    drawn = bar(200, 2, 20) | ellipse(10, 10, 0)
    assert measured(drawn).length_px == pytest.approx(200, rel=0.1)


def test_one_pixel_has_no_direction_but_a_size() -> None:
    shape = measured(np.ones((1, 1), bool))
    assert shape.length_px == shape.breadth_px == pytest.approx(2 / math.sqrt(3))
    assert shape.orientation_deg == 0


def test_a_thin_line_of_one_pixel_is_as_long_as_its_pixels() -> None:
    assert measured(np.ones((1, 40), bool)) == Shape(pytest.approx(40), pytest.approx(1), 0)
    assert measured(np.ones((40, 1), bool)).orientation_deg == 90


def test_boxes_above_a_megapixel_are_reduced_and_agree() -> None:
    x, y = grid(1500)
    arc = measured((abs(np.hypot(x, y) - 700) <= 6) & (y > 0))
    assert arc.length_px == pytest.approx(math.pi * 700, rel=0.09)
    compact = measured((x / 700) ** 2 + (y / 350) ** 2 <= 1)
    assert (compact.length_px, compact.breadth_px) == (pytest.approx(1400, rel=0.01), pytest.approx(700, rel=0.01))


def test_specks_measured_all_at_once_are_as_one_by_one() -> None:
    mask = np.zeros((600, 600), np.uint8)
    mask[::8, ::8] = mask[1::8, ::8] = mask[::8, 1::8] = 1
    regions = measure(mask, 2).regions[1:]
    assert len(regions) == 5625
    one = measure_shape(np.array([[1, 1], [1, 0]], np.uint8), 3)
    for region in regions:
        assert (region.length_px, region.breadth_px, region.orientation_deg) == pytest.approx(one)
