"""From which size on a region makes a picture defective: chosen on validation pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from segmentation.validation import PictureOutcome


@dataclass(frozen=True)
class OperatingPoint:
    """What `min_region_px` means for the pictures it was measured on.

    A picture fails when one predicted region of a defect label has at least `min_region_px` pixels.
    `missed_per_1000`: of 1,000 truly defective pictures, how many passed. `rejected_per_1000`: of 1,000 truly
    good pictures, how many failed. `precision`: share of the failed pictures that are truly defective;
    `recall`: share of the defective pictures that failed. None where there was no picture of that kind.
    """

    min_region_px: int
    defective_count: int
    good_count: int
    missed_count: int
    rejected_count: int

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


def operating_point(outcomes: Sequence[PictureOutcome], min_region_px: int) -> OperatingPoint:
    """Count what this threshold does to these pictures."""
    failed = [outcome.largest_region_px >= max(1, min_region_px) for outcome in outcomes]
    defective = [outcome.is_defective for outcome in outcomes]
    return OperatingPoint(
        min_region_px=min_region_px,
        defective_count=sum(defective),
        good_count=len(defective) - sum(defective),
        missed_count=sum(bad and not out for bad, out in zip(defective, failed, strict=True)),
        rejected_count=sum(out and not bad for bad, out in zip(defective, failed, strict=True)),
    )


def choose_operating_point(outcomes: Sequence[PictureOutcome]) -> OperatingPoint:
    """The threshold with the highest F1 of pictures.

    F1 only changes at the sizes that occur, so those are tried; of equal ones the smallest counts, since it
    misses least. Between that size and the next smaller one that occurs every threshold does the same to
    these pictures: the geometric middle is taken, to leave room on both sides for new pictures. Without a
    defective picture among the outcomes nothing can be chosen and the threshold is 1.
    """
    sizes = sorted({outcome.largest_region_px for outcome in outcomes if outcome.largest_region_px > 0})
    if not sizes or not any(outcome.is_defective for outcome in outcomes):
        return operating_point(outcomes, 1)
    best = max(sizes, key=lambda size: (operating_point(outcomes, size).f1 or 0.0, -size))
    below = max((size for size in sizes if size < best), default=1)
    return operating_point(outcomes, max(below + 1 if below > 1 else 1, round(math.sqrt(below * best))))


def _per(part: int, whole: int, scale: int = 1) -> float | None:
    return scale * part / whole if whole else None
