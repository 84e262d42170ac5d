"""Found, missed and false regions of drawn masks."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from segmentation.judging.regions import SIZE_CLASSES, RegionScores, region_scores

MASKS = hnp.arrays(np.uint8, (9, 8), elements=st.sampled_from([0, 0, 1, 2]))
TINY, SMALL = 0, 1


def drawn(*boxes: tuple[int, int, int, int]) -> np.ndarray:
    """60 × 60 with label 1 in boxes of (left, top, width, height)."""
    mask = np.zeros((60, 60), np.uint8)
    for left, top, width, height in boxes:
        mask[top : top + height, left : left + width] = 1
    return mask


def counts(scores: RegionScores, label: int = 1) -> dict[str, list[int]]:
    return {name: getattr(scores, name)[label].tolist() for name in ("found", "missed", "false")}


def test_found_from_a_tenth_of_its_pixels_on() -> None:
    """Two strips of 100 pixels: of one 10 are found, of the other 9; a block of 4 lies where nothing is."""
    truth = drawn((0, 0, 50, 2), (0, 10, 50, 2))
    prediction = drawn((0, 0, 5, 2), (0, 10, 9, 1), (40, 40, 2, 2))
    assert counts(region_scores(truth, prediction, 2)) == {
        "found": [0, 1, 0, 0],
        "missed": [0, 1, 0, 0],
        "false": [1, 0, 0, 0],
    }


def test_one_prediction_may_find_two_and_two_may_find_one() -> None:
    parts, whole = drawn((0, 0, 5, 5), (10, 0, 5, 5)), drawn((0, 0, 15, 5))
    assert counts(region_scores(parts, whole, 2)) == {"found": [2, 0, 0, 0], "missed": [0] * 4, "false": [0] * 4}
    assert counts(region_scores(whole, parts, 2)) == {"found": [1, 0, 0, 0], "missed": [0] * 4, "false": [0] * 4}


def test_a_large_prediction_that_only_grazes_the_truth_finds_it_and_is_false_all_the_same() -> None:
    truth, prediction = drawn((0, 0, 2, 2)), drawn((0, 0, 20, 20))
    assert counts(region_scores(truth, prediction, 2)) == {
        "found": [1, 0, 0, 0],
        "missed": [0, 0, 0, 0],
        "false": [0, 1, 0, 0],
    }


def test_another_label_in_the_right_place_is_missed_and_false() -> None:
    truth = drawn((0, 0, 5, 5))
    scores = region_scores(truth, truth * 2, 3)
    assert counts(scores, 1) == {"found": [0] * 4, "missed": [1, 0, 0, 0], "false": [0] * 4}
    assert counts(scores, 2) == {"found": [0] * 4, "missed": [0] * 4, "false": [1, 0, 0, 0]}


def test_what_is_predicted_on_unjudged_pixels_counts_for_nothing() -> None:
    truth = drawn()
    truth[:, 30:] = 255
    assert counts(region_scores(truth, drawn((35, 0, 5, 5)), 2))["false"] == [0] * 4
    assert counts(region_scores(truth, drawn((28, 0, 12, 60)), 2))["false"] == [0, 1, 0, 0]


def test_size_classes_meet_without_gap() -> None:
    for one, following in pairwise(SIZE_CLASSES):
        assert one.to_px is not None
        assert one.to_px + 1 == following.from_px
    scores = region_scores(drawn((0, 0, 33, 3)), drawn((0, 0, 33, 3)), 2)
    assert scores.found[1, TINY] == 1
    scores = region_scores(drawn((0, 0, 50, 2)), drawn((0, 0, 50, 2)), 2)
    assert scores.found[1, SMALL] == 1


@settings(max_examples=60, deadline=None)
@given(truth=MASKS, prediction=MASKS)
def test_swapping_swaps_missed_and_false(truth: np.ndarray, prediction: np.ndarray) -> None:
    scores, swapped = region_scores(truth, prediction, 3), region_scores(prediction, truth, 3)
    assert (scores.missed == swapped.false).all()
    assert (scores.false == swapped.missed).all()
    perfect = region_scores(truth, truth, 3)
    assert (perfect.found == scores.found + scores.missed).all()
    assert perfect.missed.sum() == perfect.false.sum() == 0
