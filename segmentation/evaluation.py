"""A saved model against labelled pictures: what `manage.py evaluate` and every model card report."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from segmentation.agreement import Agreement
from segmentation.operating_point import OperatingPoint, operating_point
from segmentation.pairs import Pair
from segmentation.segmenter import Segmenter
from segmentation.spec import LabelSpec
from segmentation.validation import PictureOutcome, validate


@dataclass(frozen=True)
class Evaluation:
    """Scores of pixels (`agreement`) and of pictures (`point`, at the threshold the model carries)."""

    labels: tuple[LabelSpec, ...]
    agreement: Agreement
    outcomes: tuple[PictureOutcome, ...]
    point: OperatingPoint
    seconds_per_picture: float

    @property
    def mean_defect_iou(self) -> float | None:
        """Mean IoU of the defect labels that the truth or the prediction has."""
        return self.agreement.mean_iou(frozenset(label.index for label in self.labels if label.is_defect))

    def as_json(self) -> dict[str, Any]:
        """Numbers under fixed names; None where a number does not exist. Rates count per 1,000 pictures of
        their own kind: missed of the truly defective, rejected of the truly good."""
        return {
            "iou": {label.name: self.agreement.iou(label.index) for label in self.labels},
            "mean_iou": self.agreement.mean_iou(),
            "mean_defect_iou": self.mean_defect_iou,
            "missed_per_1000": self.point.missed_per_1000,
            "rejected_per_1000": self.point.rejected_per_1000,
            "precision": self.point.precision,
            "recall": self.point.recall,
            "min_region_px": self.point.min_region_px,
            "image_count": len(self.outcomes),
            "defective_count": self.point.defective_count,
            "seconds_per_image": self.seconds_per_picture,
        }


def evaluate(
    segmenter: Segmenter,
    pairs: Iterable[Pair],
    *,
    labels: Sequence[LabelSpec] | None = None,
    min_region_px: int | None = None,
) -> Evaluation:
    """Segment every picture at its full size and compare with its truth (in the model's label indices).

    `labels`: the model's own by default; more than these are labels that the truth has and the model does not
    know, which count as missed. `min_region_px` None: the one the model carries. ValueError without pictures.
    """
    pairs = list(pairs)
    if not pairs:
        raise ValueError("evaluation needs at least one labelled picture, there is none in this split")
    spec = segmenter.spec
    labels = tuple(spec.labels if labels is None else labels)
    seconds = 0.0

    def predict(rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        nonlocal seconds
        began = time.perf_counter()
        mask = segmenter.segment([rgb])[0].mask
        seconds += time.perf_counter() - began
        return mask

    result = validate(
        predict,
        ((pair.name, *pair.read()) for pair in pairs),
        label_count=len(labels),
        defect_indices=frozenset(label.index for label in labels if label.is_defect),
    )
    return Evaluation(
        labels=labels,
        agreement=result.agreement,
        outcomes=result.outcomes,
        point=operating_point(result.outcomes, min_region_px or spec.min_region_px),
        seconds_per_picture=seconds / len(pairs),
    )
