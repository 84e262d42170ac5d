"""Scores against counts made by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from segmentation.agreement import Agreement, confusion_counts

TRUTH = np.array([[0, 0, 0, 1], [0, 1, 1, 1], [2, 2, 255, 255]], np.uint8)
PREDICTION = np.array([[0, 0, 1, 1], [0, 1, 0, 1], [2, 1, 2, 0]], np.uint8)


def test_rows_are_truth_and_columns_prediction() -> None:
    counts = confusion_counts(TRUTH, PREDICTION, 4)
    assert counts.tolist() == [[3, 1, 0, 0], [1, 3, 0, 0], [0, 1, 1, 0], [0, 0, 0, 0]]


def test_scores_by_hand() -> None:
    agreement = Agreement(confusion_counts(TRUTH, PREDICTION, 4))
    assert agreement.ious() == (3 / 5, 3 / 6, 1 / 2, None)
    assert agreement.dice(1) == 6 / 9
    assert agreement.precision(1) == 3 / 5
    assert agreement.recall(1) == 3 / 4
    assert agreement.mean_iou() == pytest.approx((0.6 + 0.5 + 0.5) / 3)
    assert agreement.mean_iou(frozenset({1, 3})) == 0.5


def test_ignored_pixels_count_nowhere() -> None:
    everything_ignored = np.full_like(TRUTH, 255)
    agreement = Agreement(confusion_counts(everything_ignored, PREDICTION, 3))
    assert agreement.counts.sum() == 0
    assert agreement.ious() == (None, None, None)
    assert agreement.mean_iou() is None


def test_label_absent_from_truth_but_predicted_is_zero_not_none() -> None:
    agreement = Agreement(confusion_counts(np.zeros((2, 2), np.uint8), np.array([[0, 0], [0, 1]], np.uint8), 3))
    assert agreement.iou(1) == 0.0
    assert agreement.recall(1) is None
    assert agreement.precision(1) == 0.0
    assert agreement.iou(2) is None


def test_counts_add_up_over_pictures() -> None:
    top = Agreement(confusion_counts(TRUTH[:1], PREDICTION[:1], 3))
    rest = Agreement(confusion_counts(TRUTH[1:], PREDICTION[1:], 3))
    whole = confusion_counts(TRUTH, PREDICTION, 3)
    assert ((Agreement.empty(3) + top + rest).counts == whole).all()


def test_wrong_input_is_named() -> None:
    with pytest.raises(ValueError, match=r"truth is \(3, 4\), prediction \(2, 4\)"):
        confusion_counts(TRUTH, PREDICTION[:2], 3)
    with pytest.raises(ValueError, match=r"must be below 2 .* found 2"):
        confusion_counts(TRUTH, PREDICTION, 2)


MASKS = arrays.arrays(np.uint8, (5, 6), elements=st.sampled_from([0, 1, 2, 3]))


@given(truth=MASKS, prediction=MASKS)
def test_laws(truth: np.ndarray, prediction: np.ndarray) -> None:
    agreement = Agreement(confusion_counts(truth, prediction, 4))
    swapped = Agreement(confusion_counts(prediction, truth, 4))
    assert agreement.counts.sum() == truth.size
    for label in range(4):
        iou, dice = agreement.iou(label), agreement.dice(label)
        assert iou == swapped.iou(label)
        assert agreement.precision(label) == swapped.recall(label)
        if iou is not None and dice is not None:
            assert dice == pytest.approx(2 * iou / (1 + iou))
    assert Agreement(confusion_counts(truth, truth, 4)).mean_iou() == 1.0
