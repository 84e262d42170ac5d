"""Sweeps and slices of pictures with known regions."""

from __future__ import annotations

from segmentation.judging.slices import slices_by_name
from segmentation.judging.sweep import SweepPoint, sweep, thresholds
from segmentation.validation import PictureOutcome


def outcome(size: int, *, true: set[int]) -> PictureOutcome:
    return PictureOutcome("", bool(true), size, {1: size, 2: 0}, frozenset(true))


OUTCOMES = [
    outcome(5, true={1}),
    outcome(2, true={1}),
    outcome(3, true=set()),
    outcome(0, true=set()),
    outcome(9, true={2}),
]


def test_missed_against_rejected_by_hand() -> None:
    """Of label 1: pictures with 5 and 2 pixels truly have it, a good one has 3; the one with 9 has another defect."""
    assert sweep(OUTCOMES, 1) == (
        SweepPoint(1, missed=0, rejected=1, found=2),
        SweepPoint(2, missed=0, rejected=1, found=2),
        SweepPoint(3, missed=1, rejected=1, found=1),
        SweepPoint(4, missed=1, rejected=0, found=1),
        SweepPoint(6, missed=2, rejected=0, found=0),
        SweepPoint(8, missed=2, rejected=0, found=0),
        SweepPoint(11, missed=2, rejected=0, found=0),
    )


def test_the_chosen_threshold_is_among_them() -> None:
    assert SweepPoint(5, missed=1, rejected=0, found=1) in sweep(OUTCOMES, 1, [5])
    assert [point.min_region_px for point in sweep([], 1)] == [1]


def test_thresholds_rise_to_beyond_the_largest() -> None:
    assert thresholds(20) == [1, 2, 3, 4, 6, 8, 11, 16, 23]
    assert thresholds(2, [0, 100]) == [1, 2, 3, 100]
    assert len(thresholds(50_000_000)) < 60


def test_slices_by_name() -> None:
    names = [f"{line}/{number}.png" for line in ("a", "b") for number in range(4)]
    assert set(slices_by_name(names).values()) == {"a", "b"}
    assert slices_by_name([f"exp{number}" for number in range(9)]) == {}, "one slice tells nothing apart"
    assert slices_by_name(["anna", "bert", "carl", "dora"]) == {}, "nor does one slice a picture"
    assert slices_by_name(["pit-1", "pit-2", "17"]) == {"pit-1": "pit", "pit-2": "pit", "17": "other"}
