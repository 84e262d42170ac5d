"""How far predicted masks agree with the truth: counts first, every score derived from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segmentation.spec import IGNORE_INDEX


def confusion_counts(
    truth: npt.NDArray[np.uint8], prediction: npt.NDArray[np.uint8], label_count: int
) -> npt.NDArray[np.int64]:
    """Pixels by true label (rows) and predicted label (columns), int64 (label_count, label_count).

    Pixels whose truth is `IGNORE_INDEX` (255) are left out. ValueError where sizes differ or a value is
    neither below `label_count` nor ignored.
    """
    if truth.shape != prediction.shape:
        raise ValueError(f"truth is {truth.shape}, prediction {prediction.shape}: they must have one size")
    kept = truth != IGNORE_INDEX
    rows, columns = truth[kept], prediction[kept]
    if rows.size and int(max(rows.max(), columns.max())) >= label_count:
        worst = int(max(rows.max(), columns.max()))
        raise ValueError(f"labels must be below {label_count} (or 255 in the truth), found {worst}")
    flat = rows.astype(np.int64) * label_count + columns
    return np.bincount(flat, minlength=label_count * label_count).reshape(label_count, label_count)


@dataclass(frozen=True)
class Agreement:
    """Scores from `counts`, int64 (K, K) by true (rows) and predicted label (columns).

    A score whose denominator is zero is None, not 0 or 1: a label in neither truth nor prediction says
    nothing about a model. IoU is also called the Jaccard index, Dice the F1 score of pixels.
    """

    counts: npt.NDArray[np.int64]

    def __add__(self, other: Agreement) -> Agreement:
        return Agreement(self.counts + other.counts)

    @classmethod
    def empty(cls, label_count: int) -> Agreement:
        return cls(np.zeros((label_count, label_count), np.int64))

    @property
    def label_count(self) -> int:
        return int(self.counts.shape[0])

    @property
    def truth_pixels(self) -> npt.NDArray[np.int64]:
        """Pixels (K,) that truly have each label."""
        return self.counts.sum(axis=1)

    @property
    def predicted_pixels(self) -> npt.NDArray[np.int64]:
        """Pixels (K,) predicted as each label."""
        return self.counts.sum(axis=0)

    def iou(self, label: int) -> float | None:
        """Intersection over union of one label."""
        hit = int(self.counts[label, label])
        return _ratio(hit, int(self.truth_pixels[label] + self.predicted_pixels[label]) - hit)

    def dice(self, label: int) -> float | None:
        hit = int(self.counts[label, label])
        return _ratio(2 * hit, int(self.truth_pixels[label] + self.predicted_pixels[label]))

    def precision(self, label: int) -> float | None:
        """Share of the pixels predicted as the label that have it; None where none was predicted."""
        return _ratio(int(self.counts[label, label]), int(self.predicted_pixels[label]))

    def recall(self, label: int) -> float | None:
        """Share of the label's true pixels that were found; None where truth has none."""
        return _ratio(int(self.counts[label, label]), int(self.truth_pixels[label]))

    def ious(self) -> tuple[float | None, ...]:
        return tuple(self.iou(label) for label in range(self.label_count))

    def mean_iou(self, labels: frozenset[int] | None = None) -> float | None:
        """Mean over the labels (all by default) that truth or prediction has; None where there is none."""
        chosen = range(self.label_count) if labels is None else sorted(labels)
        found = [value for value in (self.iou(label) for label in chosen) if value is not None]
        return sum(found) / len(found) if found else None


def _ratio(numerator: int, denominator: int) -> float | None:
    return numerator / denominator if denominator else None
