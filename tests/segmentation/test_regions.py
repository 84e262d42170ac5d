"""Regions in an array are a sequence like any other."""

from __future__ import annotations

import numpy as np
import pytest

from segmentation.regions import Region, Regions, rows_of_label

FIRST = Region(3, 12, 6, 2, 4, 3, 7.5, 3.0, 4.625, 3.5, 0.0)
SECOND = Region(3, 2**31 - 1, 0, 9, 46341, 46341, 0.1, 9.0, 1.25, 1.125, 135.0)


@pytest.fixture
def regions() -> Regions:
    return Regions(
        rows_of_label(
            3,
            np.array([FIRST.area_px, SECOND.area_px]),
            np.array([[6, 2, 4, 3], [0, 9, 46341, 46341]]),
            np.array([[7.5, 3.0], [0.1, 9.0]]),
            np.array([[4.625, 3.5, 0.0], [1.25, 1.125, 135.0]]),
        )
    )


def test_they_come_out_as_they_went_in(regions: Regions) -> None:
    assert list(regions) == [FIRST, SECOND]
    assert (regions[0], regions[-1], len(regions)) == (FIRST, SECOND, 2)
    assert list(regions[1:]) == [SECOND]
    assert list(reversed(regions)) == [SECOND, FIRST]
    assert SECOND in regions
    with pytest.raises(IndexError):
        regions[2]


def test_their_numbers_are_plain_ones(regions: Regions) -> None:
    assert [type(value) for value in next(regions.tuples())] == [int] * 6 + [float] * 5


def test_equal_are_those_with_the_same_numbers(regions: Regions) -> None:
    assert regions == Regions(regions.rows.copy())
    assert regions != regions[:1]
    assert regions != [FIRST, SECOND]
