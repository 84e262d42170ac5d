"""A saved model against labelled pictures: what `manage.py evaluate` and every model card report."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from segmentation.agreement import Agreement
from segmentation.judging import scores_json
from segmentation.judging.boundaries import TOLERANCE_PX, BoundaryScores, boundary_scores
from segmentation.judging.calibration import Calibration, Logits, Truth, calibration
from segmentation.judging.comparison import PictureVerdict
from segmentation.judging.regions import RegionScores, region_scores
from segmentation.judging.slices import SliceScore, score_slices
from segmentation.judging.temperature import sample_pixels
from segmentation.operating_point import OperatingPoint, operating_point, own_limits
from segmentation.pairs import Pair
from segmentation.segmenter import Segmenter
from segmentation.spec import LabelSpec
from segmentation.validation import PictureOutcome, judge_picture

# The logits of these pictures are computed once more, so few suffice: an eighth, but at least 8 and at most 32.
_CALIBRATION_SHARE, _CALIBRATION_PICTURES = 8, (8, 32)

OnMask = Callable[[str, npt.NDArray[np.uint8]], object]


@dataclass(frozen=True)
class Evaluation:
    """Scores of pixels (`agreement`), outlines, regions and pictures (`point`, at the thresholds the model carries).

    `calibration` comes from an eighth of the pictures (8 to 32 where there are as many), evenly spread.
    docs/judging.md says what each number means.
    """

    labels: tuple[LabelSpec, ...]
    agreement: Agreement
    outcomes: tuple[PictureOutcome, ...]
    point: OperatingPoint
    seconds_per_picture: float
    boundaries: BoundaryScores
    boundary_tolerance_px: float
    regions: RegionScores
    calibration: Calibration
    slices: tuple[SliceScore, ...]

    @property
    def mean_defect_iou(self) -> float | None:
        """Mean IoU of the defect labels that the truth or the prediction has."""
        return self.agreement.mean_iou(frozenset(label.index for label in self.labels if label.is_defect))

    @property
    def verdicts(self) -> tuple[PictureVerdict, ...]:
        """What `segmentation.judging.comparison` compares, in order of the pictures."""
        point = self.point
        return tuple(
            PictureVerdict(row.name, row.is_defective, row.fails(point.min_region_px, point.label_limits))
            for row in self.outcomes
        )

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
            **scores_json.pixels_json(self.labels, self.agreement, self.boundaries, self.boundary_tolerance_px),
            **scores_json.pictures_json(self.labels, self.outcomes, self.point),
            "regions": scores_json.regions_json(self.labels, self.regions),
            "calibration": scores_json.calibration_json(self.calibration),
            "slices": scores_json.slices_json(self.labels, self.slices),
        }


def evaluate(
    segmenter: Segmenter,
    pairs: Iterable[Pair],
    *,
    labels: Sequence[LabelSpec] | None = None,
    min_region_px: int | None = None,
    slices: Mapping[str, str] | None = None,
    boundary_tolerance_px: float = TOLERANCE_PX,
    on_mask: OnMask = lambda name, mask: None,
) -> Evaluation:
    """Segment every picture at its full size and compare with its truth (in the model's label indices).

    `labels`: the model's own by default; more than these are labels that the truth has and the model does not
    know, which count as missed. `min_region_px`: one threshold for all labels instead of those the model carries.
    `slices`: picture name → part of the data set that is scored on its own. `on_mask` gets every picture's name
    and predicted mask uint8 (H, W). ValueError without pictures.
    """
    pairs = list(pairs)
    if not pairs:
        raise ValueError("evaluation needs at least one labelled picture, there is none in this split")
    spec = segmenter.spec
    labels = tuple(spec.labels if labels is None else labels)
    judging = _Judging(labels, boundary_tolerance_px, slices or {})
    fewest, most = _CALIBRATION_PICTURES
    step = math.ceil(len(pairs) / min(most, max(fewest, len(pairs) // _CALIBRATION_SHARE)))
    seconds = 0.0
    for number, pair in enumerate(pairs):
        rgb, truth = pair.read()
        began = time.perf_counter()
        mask = segmenter.segment([rgb])[0].mask
        seconds += time.perf_counter() - began
        judging.add(pair.name, truth, mask)
        on_mask(pair.name, mask)
        if number % step == 0:
            judging.add_logits(segmenter, rgb, truth)
    limits = own_limits(labels) if min_region_px is None else {}
    common_px = spec.min_region_px if min_region_px is None else min_region_px
    outcomes = tuple(judging.outcomes)
    return Evaluation(
        labels=labels,
        agreement=judging.agreement,
        outcomes=outcomes,
        point=operating_point(outcomes, common_px, limits),
        seconds_per_picture=seconds / len(pairs),
        boundaries=judging.boundaries,
        boundary_tolerance_px=boundary_tolerance_px,
        regions=judging.regions,
        calibration=calibration(*judging.sampled(), spec.temperature, judging.defects),
        slices=score_slices(judging.slice_agreements, slices or {}, outcomes, common_px, limits),
    )


class _Judging:
    """Sums that grow picture by picture, so that no mask has to be kept."""

    def __init__(self, labels: Sequence[LabelSpec], tolerance_px: float, slices: Mapping[str, str]) -> None:
        self._label_count, self._tolerance_px, self._slices = len(labels), tolerance_px, slices
        self.defects = frozenset(label.index for label in labels if label.is_defect)
        self._rng = np.random.default_rng(0)
        self._logits: list[Logits] = []
        self._truths: list[Truth] = []
        self.agreement = Agreement.empty(len(labels))
        self.slice_agreements: dict[str, Agreement] = {}
        self.outcomes: list[PictureOutcome] = []
        self.boundaries = BoundaryScores.empty(len(labels))
        self.regions = RegionScores.empty(len(labels))

    def add(self, name: str, truth: npt.NDArray[np.uint8], mask: npt.NDArray[np.uint8]) -> None:
        agreement, outcome = judge_picture(name, truth, mask, self._label_count, self.defects)
        self.agreement += agreement
        self.outcomes.append(outcome)
        if name in self._slices:
            part = self._slices[name]
            self.slice_agreements[part] = (
                self.slice_agreements.get(part, Agreement.empty(self._label_count)) + agreement
            )
        self.boundaries += boundary_scores(truth, mask, self._label_count, self._tolerance_px)
        self.regions += region_scores(truth, mask, self._label_count)

    def add_logits(self, segmenter: Segmenter, rgb: npt.NDArray[np.uint8], truth: npt.NDArray[np.uint8]) -> None:
        places = sample_pixels(truth, self._rng)
        if len(places):
            rows, columns = np.divmod(places, truth.shape[1])
            self._logits.append(segmenter.logits_at(rgb, rows, columns))
            self._truths.append(truth.ravel()[places])

    def sampled(self) -> tuple[Logits, Truth]:
        if not self._logits:
            return np.zeros((0, self._label_count), np.float32), np.zeros(0, np.uint8)
        return np.concatenate(self._logits), np.concatenate(self._truths)
