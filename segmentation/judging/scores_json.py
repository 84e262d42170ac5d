"""Scores as plain JSON values under the names that the command, the REST API and the stored evaluations share."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from segmentation.agreement import Agreement
from segmentation.judging.boundaries import BoundaryScores
from segmentation.judging.calibration import Calibration, ReliabilityBin, calibration_error
from segmentation.judging.regions import SIZE_CLASSES, RegionScores
from segmentation.judging.slices import SliceScore
from segmentation.judging.sweep import sweep
from segmentation.operating_point import OperatingPoint
from segmentation.spec import LabelSpec
from segmentation.validation import PictureOutcome

Labels = Sequence[LabelSpec]


def pixels_json(
    labels: Labels, agreement: Agreement, boundaries: BoundaryScores, tolerance_px: float
) -> dict[str, Any]:
    return {
        "dice": {label.name: agreement.dice(label.index) for label in labels},
        "precision_per_label": {label.name: agreement.precision(label.index) for label in labels},
        "recall_per_label": {label.name: agreement.recall(label.index) for label in labels},
        "boundary_f1": {label.name: boundaries.f1(label.index) for label in labels},
        "boundary_tolerance_px": tolerance_px,
        "confusion": agreement.counts.tolist(),
        "labels": [label.name for label in labels],
    }


def pictures_json(labels: Labels, outcomes: Sequence[PictureOutcome], point: OperatingPoint) -> dict[str, Any]:
    names = {label.index: label.name for label in labels}
    limits = {label.index: point.label_limits.get(label.index, point.min_region_px) for label in labels}
    return {
        "label_min_region_px": {names[index]: limit for index, limit in point.label_limits.items()},
        "counts": counts_json(point),
        "sweep": {
            label.name: [dataclasses.asdict(row) for row in sweep(outcomes, label.index, [limits[label.index]])]
            for label in labels
            if label.is_defect
        },
        "images": [
            {
                "name": row.name,
                "is_defective": row.is_defective,
                "fails": row.fails(point.min_region_px, point.label_limits),
                "largest_region_px": row.largest_region_px,
                "mean_iou": row.mean_iou,
            }
            for row in outcomes
        ],
    }


def counts_json(point: OperatingPoint) -> dict[str, int]:
    return {
        "defective": point.defective_count,
        "good": point.good_count,
        "missed": point.missed_count,
        "rejected": point.rejected_count,
    }


def regions_json(labels: Labels, regions: RegionScores) -> dict[str, list[dict[str, Any]]]:
    return {
        label.name: [
            {
                "size": size.name,
                "from_px": size.from_px,
                "to_px": size.to_px,
                "found": int(regions.found[label.index, place]),
                "missed": int(regions.missed[label.index, place]),
                "false": int(regions.false[label.index, place]),
            }
            for place, size in enumerate(SIZE_CLASSES)
        ]
        for label in labels
    }


def calibration_json(calibration: Calibration) -> dict[str, Any]:
    return {
        "temperature": calibration.temperature,
        "ece_before": calibration.error_before,
        "ece_after": calibration.error_after,
        "ece_defects_before": calibration_error(calibration.defects_before),
        "ece_defects_after": calibration_error(calibration.defects_after),
        "bins_before": _bins(calibration.before),
        "bins": _bins(calibration.after),
    }


def slices_json(labels: Labels, slices: Sequence[SliceScore]) -> dict[str, dict[str, Any]]:
    defects = frozenset(label.index for label in labels if label.is_defect)
    return {
        one.name: {
            "image_count": one.image_count,
            "mean_iou": one.agreement.mean_iou(),
            "mean_defect_iou": one.agreement.mean_iou(defects),
            **counts_json(one.point),
        }
        for one in slices
    }


def _bins(bins: Sequence[ReliabilityBin]) -> list[dict[str, float]]:
    return [dataclasses.asdict(one) for one in bins]
