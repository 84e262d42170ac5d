"""Boundary F1: do the outlines agree, whatever the size of what they enclose?

Csurka, Larlus, Perronnin, "What is a good evaluation measure for semantic segmentation?", BMVC 2013: for each label
and picture, precision = share of the predicted outline within a tolerance of the true one, recall = share of the true
outline within that tolerance of the predicted one, F1 = their harmonic mean; a label's score is the mean over the
pictures in which truth or prediction has it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from segmentation.spec import IGNORE_INDEX

TOLERANCE_PX = 2.0

Mask = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class BoundaryScores:
    """Sums over pictures, float64 (K,) by label: of F1, and of the pictures that have an outline of the label."""

    f1_sum: npt.NDArray[np.float64]
    picture_count: npt.NDArray[np.int64]

    def __add__(self, other: BoundaryScores) -> BoundaryScores:
        return BoundaryScores(self.f1_sum + other.f1_sum, self.picture_count + other.picture_count)

    @classmethod
    def empty(cls, label_count: int) -> BoundaryScores:
        return cls(np.zeros(label_count), np.zeros(label_count, np.int64))

    def f1(self, label: int) -> float | None:
        """Mean F1 0–1 over the pictures with an outline of the label; None where there is none."""
        count = int(self.picture_count[label])
        return float(self.f1_sum[label]) / count if count else None


def boundary_scores(
    truth: Mask, prediction: Mask, label_count: int, tolerance_px: float = TOLERANCE_PX
) -> BoundaryScores:
    """Boundary F1 of one picture: masks uint8 (H, W) of one size, `tolerance_px` Euclidean between pixel centres."""
    scores = BoundaryScores.empty(label_count)
    ignored = truth == IGNORE_INDEX
    # what lies beside unjudged pixels is no outline, in truth as in prediction
    outlines = [_outline(mask, ignored) for mask in (truth, prediction)]
    present = np.unique(np.concatenate([mask[edge] for mask, edge in zip((truth, prediction), outlines, strict=True)]))
    for label in present.tolist():
        pair = [
            np.asarray((mask == label) & edge, np.uint8)
            for mask, edge in zip((truth, prediction), outlines, strict=True)
        ]
        scores.f1_sum[label] = _f1(pair[0], pair[1], tolerance_px)
        scores.picture_count[label] = 1
    return scores


def _outline(mask: Mask, ignored: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Pixels with a 4-neighbour of another label; bool (H, W). The picture's edge is no outline."""
    edge = np.zeros(mask.shape, bool)
    for one, other in _neighbours():
        differs = (mask[one] != mask[other]) & ~(ignored[one] | ignored[other])
        edge[one] |= differs
        edge[other] |= differs
    return edge


def _neighbours() -> Iterable[tuple[tuple[slice, slice], tuple[slice, slice]]]:
    everything, first, last = slice(None), slice(None, -1), slice(1, None)
    return (((first, everything), (last, everything)), ((everything, first), (everything, last)))


def _f1(truth: Mask, prediction: Mask, tolerance_px: float) -> float:
    """F1 of two outlines, uint8 1 / 0 (H, W); 0 where only one of them has a pixel."""
    if not truth.any() or not prediction.any():
        return 0.0
    left, top, width, height = cv2.boundingRect(cv2.bitwise_or(truth, prediction))
    box = (slice(top, top + height), slice(left, left + width))
    truth, prediction = truth[box], prediction[box]
    precision = _share_near(prediction, truth, tolerance_px)
    recall = _share_near(truth, prediction, tolerance_px)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _share_near(outline: Mask, other: Mask, tolerance_px: float) -> float:
    """Share of the outline's pixels that are no further than the tolerance from a pixel of the other."""
    distance = cv2.distanceTransform(np.ascontiguousarray(1 - other), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    # distances are float32 square roots: 2 px may come as 2.0000002
    return float((distance[outline > 0] <= tolerance_px + 1e-4).mean())
