"""From which size on a region makes a picture defective: chosen on validation pictures, for all labels and for one."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from segmentation.spec import LabelSpec, ModelSpec
from segmentation.validation import PictureOutcome

MIN_DEFECTIVE_COUNT = 20
"""A label gets a threshold of its own from so many validation pictures that truly have it on. With fewer, one
picture moves the share found by five points or more, and the threshold would follow chance."""

FOLDS = 5


@dataclass(frozen=True)
class OperatingPoint:
    """What the thresholds mean for the pictures they were measured on.

    A picture fails when one predicted region of a defect label has at least `min_region_px` pixels, or the number
    that `label_limits` has for that label's index.
    `missed_per_1000`: of 1,000 truly defective pictures, how many passed. `rejected_per_1000`: of 1,000 truly
    good pictures, how many failed. `precision`: share of the failed pictures that are truly defective;
    `recall`: share of the defective pictures that failed. None where there was no picture of that kind.
    """

    min_region_px: int
    defective_count: int
    good_count: int
    missed_count: int
    rejected_count: int
    label_limits: Mapping[int, int] = field(default_factory=dict)

    @property
    def missed_per_1000(self) -> float | None:
        return _per(self.missed_count, self.defective_count, 1000)

    @property
    def rejected_per_1000(self) -> float | None:
        return _per(self.rejected_count, self.good_count, 1000)

    @property
    def found_count(self) -> int:
        return self.defective_count - self.missed_count

    @property
    def recall(self) -> float | None:
        return _per(self.found_count, self.defective_count)

    @property
    def precision(self) -> float | None:
        return _per(self.found_count, self.found_count + self.rejected_count)

    @property
    def f1(self) -> float | None:
        return _per(2 * self.found_count, self.found_count + self.rejected_count + self.defective_count)


def operating_point(
    outcomes: Sequence[PictureOutcome], min_region_px: int, label_limits: Mapping[int, int] | None = None
) -> OperatingPoint:
    """Count what these thresholds do to these pictures."""
    failed = [outcome.fails(min_region_px, label_limits) for outcome in outcomes]
    defective = [outcome.is_defective for outcome in outcomes]
    return OperatingPoint(
        min_region_px=min_region_px,
        defective_count=sum(defective),
        good_count=len(defective) - sum(defective),
        missed_count=sum(bad and not out for bad, out in zip(defective, failed, strict=True)),
        rejected_count=sum(out and not bad for bad, out in zip(defective, failed, strict=True)),
        label_limits=dict(label_limits or {}),
    )


def own_limits(labels: Sequence[LabelSpec]) -> dict[int, int]:
    """Index → least region for the labels that have an operating point of their own."""
    return {label.index: label.min_region_px for label in labels if label.min_region_px is not None}


def choose_operating_point(outcomes: Sequence[PictureOutcome]) -> OperatingPoint:
    """The one threshold for all labels with the highest F1 of pictures.

    F1 only changes at the sizes that occur, so those are tried; of equal ones the smallest counts, since it
    misses least. Between that size and the next smaller one that occurs every threshold does the same to
    these pictures: the geometric middle is taken, to leave room on both sides for new pictures. Without a
    defective picture among the outcomes nothing can be chosen and the threshold is 1.
    """
    sizes = np.array([outcome.largest_region_px for outcome in outcomes], np.int64)
    defective = np.array([outcome.is_defective for outcome in outcomes], bool)
    return operating_point(outcomes, _best_limit(sizes, defective, np.zeros(len(sizes), bool)) or 1)


def choose_operating_points(outcomes: Sequence[PictureOutcome]) -> OperatingPoint:
    """The threshold for all labels, and own ones for the labels where that demonstrably helps.

    Few pictures invite a threshold that fits them and no others. A label therefore keeps the common threshold
    unless at least `MIN_DEFECTIVE_COUNT` pictures truly have it and its own threshold judges pictures better that
    it was not chosen on: it is chosen on four fifths and judged on the last fifth, five times over, and the F1
    of all these verdicts must be above what the common threshold reaches. The labels are tried one after
    the other, the commonest first, each with what was settled before it.
    """
    common = choose_operating_point(outcomes)
    counts = {label: 0 for outcome in outcomes for label in outcome.defect_px}
    for outcome in outcomes:
        for label in outcome.true_defects:
            counts[label] = counts.get(label, 0) + 1
    limits: dict[int, int] = {}
    if sum(count > 0 for count in counts.values()) < 2:
        return common
    for label in sorted(counts, key=lambda label: (-counts[label], label)):
        if counts[label] >= MIN_DEFECTIVE_COUNT:
            own = _own_limit(outcomes, label, common.min_region_px, limits)
            if own is not None:
                limits[label] = own
    return operating_point(outcomes, common.min_region_px, limits)


def with_operating_point(spec: ModelSpec, point: OperatingPoint) -> ModelSpec:
    """The spec with these thresholds in the places where a model carries them."""
    labels = tuple(
        dataclasses.replace(label, min_region_px=point.label_limits.get(label.index)) for label in spec.labels
    )
    return dataclasses.replace(spec, labels=labels, min_region_px=point.min_region_px)


def _own_limit(outcomes: Sequence[PictureOutcome], label: int, common_px: int, limits: Mapping[int, int]) -> int | None:
    """A label's own threshold where it does better on pictures that it was not chosen on, else None."""
    sizes = np.array([outcome.defect_px.get(label, 0) for outcome in outcomes], np.int64)
    defective = np.array([outcome.is_defective for outcome in outcomes], bool)
    # whatever the label's threshold is, these pictures fail by another label
    others = np.array([_fails_without(outcome, label, common_px, limits) for outcome in outcomes], bool)
    folds = _folds(defective)
    failed = others.copy()
    for fold in range(FOLDS):
        held, rest = folds == fold, folds != fold
        limit = _best_limit(sizes[rest], defective[rest], others[rest])
        failed[held] |= sizes[held] >= (common_px if limit is None else limit)
    if _f1(failed, defective) <= _f1(others | (sizes >= max(1, common_px)), defective):
        return None
    return _best_limit(sizes, defective, others)


def _fails_without(outcome: PictureOutcome, label: int, common_px: int, limits: Mapping[int, int]) -> bool:
    return any(
        size >= max(1, limits.get(other, common_px)) for other, size in outcome.defect_px.items() if other != label
    )


def _best_limit(
    sizes: npt.NDArray[np.int64], defective: npt.NDArray[np.bool_], others: npt.NDArray[np.bool_]
) -> int | None:
    """The threshold on `sizes` with the highest F1; pictures in `others` fail anyhow. None: nothing to choose by.

    All arrays (pictures,). Of equal thresholds the smallest; then the geometric middle, see `choose_operating_point`.
    """
    if not defective.any() or not (sizes > 0).any():
        return None
    candidates = np.unique(sizes[sizes > 0])

    def failing(chosen: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
        """How many of the chosen pictures fail at each candidate."""
        open_sizes = np.sort(sizes[chosen & ~others])
        below = np.searchsorted(open_sizes, candidates, side="left")
        return len(open_sizes) - below + int((chosen & others).sum())

    found, rejected = failing(defective), failing(~defective)
    place = int((2 * found / (found + rejected + defective.sum())).argmax())
    best = int(candidates[place])
    below = int(candidates[place - 1]) if place else 0
    return max(below + 1, round(math.sqrt(max(1, below) * best)))


def _folds(defective: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Which fold each picture is held out in: by turns, defective and good pictures each for themselves."""
    folds = np.empty(len(defective), np.int64)
    for kind in (True, False):
        places = np.flatnonzero(defective == kind)
        folds[places] = np.arange(len(places)) % FOLDS
    return folds


def _f1(failed: npt.NDArray[np.bool_], defective: npt.NDArray[np.bool_]) -> float:
    found = int((failed & defective).sum())
    return 2 * found / (int(failed.sum()) + int(defective.sum()))


def _per(part: int, whole: int, scale: int = 1) -> float | None:
    return scale * part / whole if whole else None
