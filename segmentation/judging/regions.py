"""Objects instead of pixels: which true regions were found, which were missed, which predicted ones are false.

A true region counts as found when at least `COVERED_FRACTION` of its pixels are predicted as its label; a predicted
region is false when less than that share of it lies on its label. That is the detection rule for lesions of
Commowick et al., "Objective evaluation of multiple sclerosis lesion segmentation", Scientific Reports 8 (2018)
13650, which asks for a tenth of a lesion: an inspector who is shown a tenth of a scratch finds the scratch. One
predicted region may find several true ones, and the other way round. Swapping truth and prediction swaps missed
and false.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from segmentation.spec import IGNORE_INDEX

COVERED_FRACTION = 0.1

Mask = npt.NDArray[np.uint8]
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class SizeClass:
    """Regions of `from_px` to `to_px` pixels, both included; None = no upper end."""

    name: str
    from_px: int
    to_px: int | None


SIZE_CLASSES = (
    SizeClass("tiny", 1, 99),
    SizeClass("small", 100, 999),
    SizeClass("medium", 1_000, 9_999),
    SizeClass("large", 10_000, None),
)
_STARTS = np.array([size.from_px for size in SIZE_CLASSES])


@dataclass(frozen=True)
class RegionScores:
    """Regions int64 (K, size classes). A true region is classed by its true size, a false one by its own."""

    found: Counts
    missed: Counts
    false: Counts

    def __add__(self, other: RegionScores) -> RegionScores:
        return RegionScores(self.found + other.found, self.missed + other.missed, self.false + other.false)

    @classmethod
    def empty(cls, label_count: int) -> RegionScores:
        found, missed, false = np.zeros((3, label_count, len(SIZE_CLASSES)), np.int64)
        return cls(found, missed, false)


def region_scores(truth: Mask, prediction: Mask, label_count: int) -> RegionScores:
    """Match the 8-connected regions of two masks uint8 (H, W) of one size. What is predicted where the truth is
    255 counts for nothing."""
    scores = RegionScores.empty(label_count)
    judged = np.where(truth == IGNORE_INDEX, np.uint8(IGNORE_INDEX), prediction)
    present = np.bincount(truth.ravel(), minlength=256) + np.bincount(judged.ravel(), minlength=256)
    for label in np.flatnonzero(present[:label_count]).tolist():
        true, predicted = _binary(truth, label), _binary(judged, label)
        left, top, width, height = cv2.boundingRect(cv2.bitwise_or(true, predicted))
        box = (slice(top, top + height), slice(left, left + width))
        true, predicted = true[box], predicted[box]
        sizes, covered = _regions(true, predicted)
        found = covered >= COVERED_FRACTION * sizes
        scores.found[label] = _by_size(sizes[found])
        scores.missed[label] = _by_size(sizes[~found])
        sizes, covered = _regions(predicted, true)
        scores.false[label] = _by_size(sizes[covered < COVERED_FRACTION * sizes])
    return scores


def _binary(mask: Mask, label: int) -> Mask:
    return np.asarray(cv2.inRange(mask, np.array(label), np.array(label)), np.uint8)


def _regions(binary: Mask, other: Mask) -> tuple[Counts, Counts]:
    """Pixels of each region of `binary`, and how many of them `other` has too; int64 (regions,) each."""
    count, numbers, stats, _ = cv2.connectedComponentsWithStats(np.ascontiguousarray(binary), connectivity=8)
    shared = np.bincount(numbers[other > 0], minlength=count)[1:]
    return stats[1:, cv2.CC_STAT_AREA].astype(np.int64), shared


def _by_size(sizes: Counts) -> Counts:
    """How many of these fall into each size class."""
    return np.bincount(np.searchsorted(_STARTS, sizes, side="right") - 1, minlength=len(SIZE_CLASSES))
