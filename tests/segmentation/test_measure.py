"""Measurements of drawn masks, and of random ones against plain counting."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from segmentation.measure import Measurement, measure, verdict
from segmentation.regions import Region


def drawn() -> np.ndarray:
    """10 × 20: background; label 1 as a 3 × 4 block and a single pixel; label 3 as two pixels at a corner."""
    mask = np.zeros((10, 20), np.uint8)
    mask[2:5, 6:10] = 1
    mask[9, 0] = 1
    mask[7, 15] = mask[8, 16] = 3
    return mask


def test_every_label_has_a_measurement_zeros_included() -> None:
    found = measure(drawn(), 5)
    assert found.measurements == (
        Measurement(0, 185, 185 / 200, 1, 185, None),
        Measurement(1, 13, 13 / 200, 2, 12, None),
        Measurement(2, 0, 0.0, 0, 0, None),
        Measurement(3, 2, 2 / 200, 1, 2, None),
        Measurement(4, 0, 0.0, 0, 0, None),
    )
    assert found.confidence is None


def test_regions_touch_at_corners_and_know_their_place() -> None:
    regions = [region for region in measure(drawn(), 5).regions if region.label_index]
    assert [place_of(region) for region in regions] == [
        (1, 12, 6, 2, 4, 3, 7.5, 3.0),
        (1, 1, 0, 9, 1, 1, 0.0, 9.0),
        (3, 2, 15, 7, 2, 2, 15.5, 7.5),
    ]


def test_regions_know_their_shape() -> None:
    """A rectangle of 4 × 3 has the moments of an ellipse whose axes are 2/√3 as long."""
    block, pixel, pair = [region for region in measure(drawn(), 5).regions if region.label_index]
    assert (block.length_px, block.breadth_px) == pytest.approx((4 * 2 / 3**0.5, 3 * 2 / 3**0.5))
    assert (pixel.length_px, pixel.breadth_px) == pytest.approx((2 / 3**0.5, 2 / 3**0.5))
    assert (block.orientation_deg, pair.orientation_deg) == (0, 135)


def place_of(region: Region) -> tuple[float, ...]:
    """All that says where a region lies, without its shape."""
    return astuple(region)[:8]


def test_ignored_pixels_count_for_no_label_but_for_the_picture() -> None:
    mask = drawn()
    mask[0] = 255
    found = measure(mask, 5)
    assert found.measurements[0].pixels == 165
    assert found.measurements[0].area_fraction == 165 / 200
    assert measure(np.full((3, 3), 255, np.uint8), 2).regions.rows.size == 0


def test_confidence_is_averaged_over_the_picture_and_each_label() -> None:
    confidence = np.full((10, 20), 0.5, np.float32)
    confidence[2:5, 6:10] = 0.75
    confidence[9, 0] = 0.25
    found = measure(drawn(), 3 + 1, confidence)
    assert found.measurements[1].mean_confidence == pytest.approx((12 * 0.75 + 0.25) / 13)
    assert found.measurements[2].mean_confidence is None
    assert found.measurements[3].mean_confidence == pytest.approx(0.5)
    assert found.confidence == pytest.approx(confidence.mean(dtype=np.float64))


def test_masks_beyond_sixteen_million_pixels_are_counted_exactly() -> None:
    """float32 cannot tell 2**24 from 2**24 + 1, and histograms are float32 in OpenCV."""
    mask = np.zeros((4097, 4097), np.uint8)
    mask[-1, -1] = 1
    found = measure(mask, 2)
    assert found.measurements[0].pixels == 4097**2 - 1
    assert found.measurements[0].largest_region_px == 4097**2 - 1
    assert place_of(found.regions[1]) == (1, 1, 4096, 4096, 1, 1, 4096.0, 4096.0)


@pytest.mark.parametrize("side_px", [510, 511, 512, 600])
def test_regions_near_the_limit_of_sixteen_bits_are_counted(side_px: int) -> None:
    mask = np.zeros((side_px, side_px), np.uint8)
    mask[::2, ::2] = 1
    assert measure(mask, 2).measurements[1].region_count == ((side_px + 1) // 2) ** 2


@settings(max_examples=60, deadline=None)
@given(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.integers(0, 3)))
def test_random_masks_agree_with_plain_counting(mask: np.ndarray) -> None:
    found = measure(mask, 4)
    assert sum(row.pixels for row in found.measurements) == mask.size
    for row in found.measurements:
        numbered, count = ndimage.label(mask == row.label_index, structure=np.ones((3, 3)))
        areas = np.bincount(numbered.ravel())[1:]
        assert row.pixels == areas.sum() == (mask == row.label_index).sum()
        assert row.region_count == count
        assert row.largest_region_px == max(areas, default=0)
        mine = [region for region in found.regions if region.label_index == row.label_index]
        assert sorted(region.area_px for region in mine) == sorted(areas)
        for region in mine:
            box = mask[region.y_px : region.y_px + region.height_px, region.x_px : region.x_px + region.width_px]
            assert box.shape == (region.height_px, region.width_px)
            assert (box == row.label_index).sum() >= region.area_px
            assert region.x_px <= region.centroid_x_px < region.x_px + region.width_px


def test_slices_of_other_arrays_are_measured_alike() -> None:
    wide = np.zeros((10, 40), np.uint8)
    wide[:, ::2] = drawn()
    assert measure(wide[:, ::2], 5) == measure(drawn(), 5)
    confidence = np.random.default_rng(0).random((10, 40), np.float32)
    assert measure(drawn(), 5, confidence[:, ::2]) == measure(drawn(), 5, confidence[:, ::2].copy())


@pytest.mark.parametrize(
    ("mask", "label_count", "message"),
    [
        (np.full((2, 2), 4, np.uint8), 4, "values below 4 and 255 for none, this one holds 4"),
        (np.zeros((2, 2), np.int64), 4, "uint8"),
        (np.zeros((0, 2), np.uint8), 4, "at least one pixel"),
        (np.zeros((2, 2), np.uint8), 256, "1 to 255 labels"),
    ],
)
def test_what_cannot_be_measured_says_why(mask: np.ndarray, label_count: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        measure(mask, label_count)


def test_confidence_must_fit_the_mask() -> None:
    with pytest.raises(ValueError, match="float32 of the mask's size"):
        measure(drawn(), 5, np.ones((10, 19), np.float32))


@pytest.mark.parametrize(
    ("defects", "min_region_px", "expected"),
    [
        ({1}, 12, "fail"),
        ({1}, 13, "pass"),
        ({2}, 1, "pass"),
        ({3}, 2, "fail"),
        ({2, 3}, 3, "pass"),
        (set(), 1, "pass"),
        ({2}, 0, "pass"),
    ],
)
def test_verdict_is_about_the_largest_region_not_the_area(defects: set[int], min_region_px: int, expected: str) -> None:
    assert verdict(measure(drawn(), 5).measurements, defects, min_region_px) == expected


@pytest.mark.parametrize(
    ("limits", "expected"), [({}, "pass"), ({1: 12}, "fail"), ({1: 13}, "pass"), ({3: 2}, "fail"), ({2: 1}, "pass")]
)
def test_a_labels_own_limit_stands_for_that_label_only(limits: dict[int, int], expected: str) -> None:
    """The largest region of label 1 has 12 pixels, of label 3 two; 20 is the limit of all others."""
    assert verdict(measure(drawn(), 5).measurements, {1, 2, 3}, 20, limits) == expected
