"""Outlines of squares, counted by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from segmentation.judging.boundaries import BoundaryScores, boundary_scores

MASKS = hnp.arrays(np.uint8, (9, 8), elements=st.sampled_from([0, 1, 2]))


def square(left: int, *, side: int = 5, top: int = 4) -> np.ndarray:
    mask = np.zeros((20, 30), np.uint8)
    mask[top : top + side, left : left + side] = 1
    return mask


@pytest.mark.parametrize(("tolerance_px", "expected"), [(0, 8 / 16), (1, 1.0), (2, 1.0)])
def test_a_square_moved_by_one_pixel(tolerance_px: float, expected: float) -> None:
    """Both outlines have 16 pixels. Moved by one column, four pixels of the upper and four of the lower side lie on
    the other's outline, and all others one pixel beside it."""
    assert boundary_scores(square(5), square(6), 2, tolerance_px).f1(1) == pytest.approx(expected)


def test_precision_and_recall_count_separately() -> None:
    """A second square is invented 15 pixels away: precision 16 of 32, recall 1."""
    truth = square(3)
    prediction = truth | square(18)
    assert boundary_scores(truth, prediction, 2, 1).f1(1) == pytest.approx(2 * 0.5 / 1.5)
    assert boundary_scores(prediction, truth, 2, 1).f1(1) == pytest.approx(2 * 0.5 / 1.5)


def test_a_label_only_one_of_them_has_scores_zero_and_one_neither_has_nothing() -> None:
    scores = boundary_scores(square(3), np.zeros((20, 30), np.uint8), 3)
    assert scores.f1(1) == 0
    assert scores.f1(2) is None


def test_scores_are_means_over_the_pictures_that_have_the_label() -> None:
    empty = np.zeros((20, 30), np.uint8)
    pictures = [(square(3), square(3)), (square(3), empty), (empty, empty)]
    total = sum((boundary_scores(*pair, 2) for pair in pictures), BoundaryScores.empty(2))
    assert total.f1(1) == 0.5
    assert total.picture_count.tolist() == [2, 2]


def test_the_edge_of_unjudged_pixels_and_of_the_picture_is_no_outline() -> None:
    truth = np.zeros((10, 10), np.uint8)
    truth[:, 5:] = 255
    prediction = truth.copy()
    prediction[:, 5:] = 1
    assert boundary_scores(truth, prediction, 2).picture_count.sum() == 0


@settings(max_examples=40, deadline=None)
@given(truth=MASKS, prediction=MASKS, tolerance_px=st.sampled_from([0, 1, 1.5, 3]))
def test_equal_to_the_definition_pixel_by_pixel(truth: np.ndarray, prediction: np.ndarray, tolerance_px: float) -> None:
    scores, swapped = (
        boundary_scores(one, other, 3, tolerance_px) for one, other in ((truth, prediction), (prediction, truth))
    )
    for label in range(3):
        assert scores.f1(label) == swapped.f1(label)
        outlines = [np.argwhere(outline_of(mask, label)) for mask in (truth, prediction)]
        if not all(map(len, outlines)):
            assert scores.f1(label) == (0 if any(map(len, outlines)) else None)
            continue
        near = np.linalg.norm(outlines[0][:, None] - outlines[1][None], axis=2) <= tolerance_px
        recall, precision = near.any(axis=1).mean(), near.any(axis=0).mean()
        expected = 2 * precision * recall / (precision + recall) if precision + recall else 0
        assert scores.f1(label) == pytest.approx(expected)


def outline_of(mask: np.ndarray, label: int) -> np.ndarray:
    """Pixels that vanish when the label shrinks by one pixel, the picture's edge held fast."""
    own = mask == label
    return own & ~ndimage.binary_erosion(own, border_value=1)


@given(mask=MASKS)
def test_a_perfect_prediction_scores_one(mask: np.ndarray) -> None:
    scores = boundary_scores(mask, mask, 3, 0)
    assert all(scores.f1(label) in (None, 1) for label in range(3))
