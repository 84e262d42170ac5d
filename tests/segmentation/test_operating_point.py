"""The threshold on validation pictures, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segmentation.agreement import Agreement
from segmentation.operating_point import (
    MIN_DEFECTIVE_COUNT,
    choose_operating_point,
    choose_operating_points,
    operating_point,
    own_limits,
    with_operating_point,
)
from segmentation.spec import LabelSpec, ModelSpec
from segmentation.validation import PictureOutcome, selection_score, validate, watched_pictures


def outcomes(good: list[int], defective: list[int]) -> list[PictureOutcome]:
    return [PictureOutcome("good", False, size) for size in good] + [
        PictureOutcome("bad", True, size) for size in defective
    ]


def test_counts_and_rates_by_hand() -> None:
    point = operating_point(outcomes(good=[0, 5, 30, 0], defective=[100, 40, 10, 0, 90]), 30)
    assert (point.missed_count, point.rejected_count, point.found_count) == (2, 1, 3)
    assert point.missed_per_1000 == 400
    assert point.rejected_per_1000 == 250
    assert point.precision == 3 / 4
    assert point.recall == 3 / 5
    assert point.f1 == pytest.approx(2 * 0.75 * 0.6 / (0.75 + 0.6))


def test_threshold_lands_between_specks_and_defects() -> None:
    point = choose_operating_point(outcomes(good=[0, 0, 16, 9], defective=[100, 150, 400]))
    assert point.min_region_px == 40
    assert point.f1 == 1.0


def test_one_pixel_is_a_size_like_others() -> None:
    """From 2 pixels on every picture is judged rightly; from 1 on the good one would fail."""
    point = choose_operating_point(outcomes(good=[1], defective=[2]))
    assert (point.min_region_px, point.f1) == (2, 1.0)


def test_of_equal_thresholds_the_smallest_misses_least() -> None:
    """At 50 all is found with one false alarm (F1 2·1/(2+1)); at 60 nothing better comes."""
    point = choose_operating_point(outcomes(good=[50, 0], defective=[50]))
    assert point.min_region_px <= 50
    assert point.missed_count == 0


def test_without_defective_pictures_the_threshold_is_one() -> None:
    point = choose_operating_point(outcomes(good=[0, 40], defective=[]))
    assert point.min_region_px == 1
    assert point.missed_per_1000 is None
    assert point.recall is None
    assert point.rejected_per_1000 == 500


def test_a_model_that_finds_nothing() -> None:
    point = choose_operating_point(outcomes(good=[0], defective=[0, 0]))
    assert (point.min_region_px, point.missed_per_1000, point.rejected_per_1000) == (1, 1000, 0)
    assert point.precision is None


SIZES = st.lists(st.integers(0, 300), min_size=1, max_size=12)


@settings(max_examples=40, deadline=None)
@given(good=SIZES, defective=SIZES)
def test_no_other_threshold_is_better(good: list[int], defective: list[int]) -> None:
    pictures = outcomes(good, defective)
    chosen = choose_operating_point(pictures)
    assert chosen.min_region_px >= 1
    occurring = {size + 1 for size in good + defective} | {1}
    best = max(operating_point(pictures, size).f1 or 0 for size in occurring)
    assert (chosen.f1 or 0) == best


def picture(true: int | None, **sizes: int) -> PictureOutcome:
    """A picture that truly has label `true`, and the largest predicted region of label 1 (`pit`) and 2 (`dirt`)."""
    found = {1: sizes.get("pit", 0), 2: sizes.get("dirt", 0)}
    defects = frozenset() if true is None else frozenset({true})
    return PictureOutcome("", true is not None, max(found.values()), found, defects)


def two_defects(count: int) -> list[PictureOutcome]:
    """Pits are small and never invented; dirt is large, and invented as often in sizes between the two."""
    return [
        *(picture(1, pit=10 + n % 7) for n in range(count)),
        *(picture(2, dirt=400 + n % 7) for n in range(count)),
        *(picture(None, dirt=90 + n % 7) for n in range(count)),
    ]


def test_a_labels_own_limit_where_it_helps() -> None:
    common = choose_operating_point(two_defects(MIN_DEFECTIVE_COUNT))
    own = choose_operating_points(two_defects(MIN_DEFECTIVE_COUNT))
    assert (common.missed_count + common.rejected_count, own.missed_count, own.rejected_count) == (20, 0, 0)
    assert own.min_region_px == common.min_region_px
    assert set(own.label_limits) == {2}
    assert 96 < own.label_limits[2] <= 400


def test_too_few_pictures_of_a_label_leave_the_common_limit() -> None:
    own = choose_operating_points(two_defects(MIN_DEFECTIVE_COUNT - 1))
    assert own == choose_operating_point(two_defects(MIN_DEFECTIVE_COUNT - 1))


def test_chance_gives_no_label_a_limit_of_its_own() -> None:
    """Sizes say nothing about truth: what looks better on all pictures does not on those held out."""
    rng = np.random.default_rng(3)
    pictures = [
        picture(rng.choice([1, 2, None]), pit=int(rng.integers(0, 100)), dirt=int(rng.integers(0, 100)))
        for _ in range(120)
    ]
    assert choose_operating_points(pictures).label_limits == {}


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([1, 2, None]), st.integers(0, 60), st.integers(0, 60)), max_size=90))
def test_own_limits_never_judge_the_pictures_they_come_from_worse(rows: list[tuple[int | None, int, int]]) -> None:
    pictures = [picture(true, pit=pit, dirt=dirt) for true, pit, dirt in rows]
    common, own = choose_operating_point(pictures), choose_operating_points(pictures)
    assert (own.f1 or 0) >= (common.f1 or 0)
    assert all(limit >= 1 for limit in own.label_limits.values())


def test_thresholds_travel_with_the_spec() -> None:
    labels = (
        LabelSpec(0, "ground", "#000000"),
        LabelSpec(1, "pit", "#ff0000", True),
        LabelSpec(2, "dirt", "#00ff00", True),
    )
    point = choose_operating_points(two_defects(MIN_DEFECTIVE_COUNT))
    spec = ModelSpec.from_json(with_operating_point(ModelSpec("nearest-color", labels), point).to_json())
    assert spec.min_region_px == point.min_region_px
    assert own_limits(spec.labels) == dict(point.label_limits)
    assert own_limits(with_operating_point(spec, choose_operating_point([])).labels) == {}


def test_validation_counts_pixels_and_the_largest_defect_region() -> None:
    """Truth: a 4×4 defect. The prediction finds it shifted by one column, and a lone speck elsewhere."""
    truth = np.zeros((20, 20), np.uint8)
    truth[2:6, 2:6] = 1
    truth[19, 19] = 255
    prediction = np.zeros_like(truth)
    prediction[2:6, 3:7] = 1
    prediction[15, 15] = 1
    rgb = np.zeros((20, 20, 3), np.uint8)
    result = validate(
        lambda picture: prediction,
        [("defective", rgb, truth), ("clean", rgb, np.zeros_like(truth))],
        label_count=3,
        defect_indices=frozenset({1, 2}),
    )
    missed, found, invented = 4, 12, 4 + 1 + 16 + 1
    right_background = 2 * 400 - 1 - missed - found - invented
    assert result.agreement.counts.tolist() == [[right_background, invented, 0], [missed, found, 0], [0, 0, 0]]
    assert [(row.is_defective, row.largest_region_px) for row in result.outcomes] == [(True, 16), (False, 16)]
    assert [(row.defect_px, row.true_defects) for row in result.outcomes] == [
        ({1: 16, 2: 0}, {1}),
        ({1: 16, 2: 0}, set()),
    ]
    clean_iou = (400 - 17) / 400 / 2
    assert result.outcomes[1].mean_iou == pytest.approx(clean_iou)


def test_selection_ignores_stray_labels_and_uses_watched_pictures() -> None:
    validation = Agreement(np.array([[90, 0, 5], [5, 5, 0], [0, 0, 0]]))
    watched = Agreement(np.array([[50, 0, 0], [0, 0, 0], [30, 0, 10]]))
    background, scratch = 90 / 100, 5 / 10
    assert selection_score(validation) == pytest.approx((background + scratch) / 2)
    assert selection_score(validation, watched) == pytest.approx((background + scratch + 10 / 40) / 3)


def test_only_labels_that_validation_lacks_are_watched() -> None:
    train = np.array([[9, 1, 0, 0], [9, 0, 3, 0], [9, 0, 0, 0], [9, 0, 5, 0]])
    validation = np.array([[9, 2, 0, 0]])
    assert watched_pictures(train, validation, np.random.default_rng(1)) == [1, 3]
