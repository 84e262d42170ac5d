"""Whole pictures through a model, against their truth: pixels and pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from segmentation.agreement import Agreement, confusion_counts
from segmentation.measure import measure, reaches_limit

Predict = Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.uint8]]


@dataclass(frozen=True)
class PictureOutcome:
    """One picture: is it truly defective, and how large is the largest predicted region of a defect label.

    `defect_px`: that largest region for each defect label by index. `true_defects`: the defect labels that the
    truth has. `mean_iou` over the labels that this picture's truth or prediction has; None where all is ignored.
    """

    name: str
    is_defective: bool
    largest_region_px: int
    defect_px: Mapping[int, int] = field(default_factory=dict)
    true_defects: frozenset[int] = frozenset()
    mean_iou: float | None = None

    def fails(self, min_region_px: int, label_limits: Mapping[int, int] | None = None) -> bool:
        """The verdict rule of `segmentation.measure.verdict` on what is kept here."""
        if not label_limits:
            return self.largest_region_px >= max(1, min_region_px)
        return reaches_limit(self.defect_px, min_region_px, label_limits)


@dataclass(frozen=True)
class Validation:
    agreement: Agreement
    outcomes: tuple[PictureOutcome, ...]


def validate(
    predict: Predict,
    pictures: Iterable[tuple[str, npt.NDArray[np.uint8], npt.NDArray[np.uint8]]],
    *,
    label_count: int,
    defect_indices: frozenset[int],
) -> Validation:
    """Compare `predict(rgb)` with the truth of each (name, rgb, mask), at the picture's full size.

    A picture is truly defective when its truth has at least one pixel of a defect label.
    """
    agreement = Agreement.empty(label_count)
    outcomes: list[PictureOutcome] = []
    for name, rgb, truth in pictures:
        pixels, outcome = judge_picture(name, truth, predict(rgb), label_count, defect_indices)
        agreement += pixels
        outcomes.append(outcome)
    return Validation(agreement=agreement, outcomes=tuple(outcomes))


def judge_picture(
    name: str,
    truth: npt.NDArray[np.uint8],
    prediction: npt.NDArray[np.uint8],
    label_count: int,
    defect_indices: frozenset[int],
) -> tuple[Agreement, PictureOutcome]:
    """One picture's counts and outcome from its masks uint8 (H, W); ValueError where they do not fit."""
    pixels = Agreement(confusion_counts(truth, prediction, label_count))
    true_defects = frozenset(label for label in defect_indices if pixels.truth_pixels[label])
    sizes = [row.largest_region_px for row in measure(prediction, label_count, None).measurements]
    defect_px = {label: sizes[label] for label in sorted(defect_indices)}
    return pixels, PictureOutcome(
        name=name,
        is_defective=bool(true_defects),
        largest_region_px=max(defect_px.values(), default=0),
        defect_px=defect_px,
        true_defects=true_defects,
        mean_iou=pixels.mean_iou(),
    )


def selection_score(validation: Agreement, watched: Agreement | None = None) -> float:
    """What the best weights are chosen by: mean IoU of the labels that the truth has.

    Labels that only the prediction has are left out here: one stray pixel would count as an IoU of 0.
    Labels that only the watched training pictures have (see `watched_pictures`) are scored there.
    """
    scores: list[float] = []
    for label in range(validation.label_count):
        for agreement in (validation, watched):
            if agreement is not None and agreement.truth_pixels[label] > 0:
                scores.append(agreement.iou(label) or 0.0)
                break
    return sum(scores) / len(scores) if scores else 0.0


def watched_pictures(
    train_pixels: npt.NDArray[np.int64],
    validation_pixels: npt.NDArray[np.int64],
    rng: np.random.Generator,
    *,
    each: int = 4,
) -> list[int]:
    """Rows of training pictures to watch for labels that no validation picture has.

    Validation is blind to such labels, so the best weights for the others may come from a time when these
    were not yet learned. A few training pictures say at least whether they are. `*_pixels`: int64 (pictures, K).
    """
    missing = np.flatnonzero((train_pixels.sum(axis=0) > 0) & (validation_pixels.sum(axis=0) == 0))
    chosen: set[int] = set()
    for label in missing.tolist():
        rows = np.flatnonzero(train_pixels[:, label])
        chosen.update(rng.permutation(rows)[:each].tolist())
    return sorted(chosen)
