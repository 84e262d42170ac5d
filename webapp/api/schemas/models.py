"""Model versions."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from ninja import Schema

from webapp.models import Evaluation, ModelVersion


class ModelIn(Schema):
    """`starter`: the model that comes with Pixelwise. `colors`: every pixel gets the nearest label colour."""

    kind: Literal["starter", "colors"]


class ModelRef(Schema):
    id: int
    number: int
    architecture: str

    @classmethod
    def of(cls, model_version: ModelVersion) -> ModelRef:
        return cls(id=model_version.pk, number=model_version.number, architecture=model_version.architecture)


class ModelScores(Schema):
    """On the `split` (`test`, or `val` where there is none) of a data set; null where there was nothing to score."""

    dataset: int
    split: str
    image_count: int
    mean_defect_iou: float | None
    missed_per_1000: float | None
    rejected_per_1000: float | None
    seconds_per_1000_images: float

    @classmethod
    def of(cls, evaluation: Evaluation) -> ModelScores:
        scores = evaluation.scores
        return cls(
            dataset=evaluation.dataset_id,
            split=evaluation.split,
            image_count=evaluation.image_count,
            mean_defect_iou=scores.get("mean_defect_iou"),
            missed_per_1000=scores.get("missed_per_1000"),
            rejected_per_1000=scores.get("rejected_per_1000"),
            seconds_per_1000_images=evaluation.seconds_per_1000_images or 0.0,
        )


class ModelOut(Schema):
    """`iou`: intersection over union per label on the validation split; null where it was not measured.

    `scores`: on images kept apart; null until it was evaluated there.
    """

    id: int
    number: int
    architecture: str
    encoder: str
    origin: str
    is_live: bool
    created_at: datetime
    min_region_px: int
    parameter_count: int | None
    file_bytes: int | None
    licence: str
    iou: dict[str, float | None]
    scores: ModelScores | None

    @classmethod
    def of(cls, model_version: ModelVersion, *, live_id: int | None, evaluation: Evaluation | None = None) -> ModelOut:
        return cls(
            id=model_version.pk,
            number=model_version.number,
            architecture=model_version.architecture,
            encoder=model_version.encoder,
            origin=model_version.origin,
            is_live=model_version.pk == live_id,
            created_at=model_version.created_at,
            min_region_px=model_version.min_region_px,
            parameter_count=model_version.parameter_count,
            file_bytes=model_version.file_bytes,
            licence=model_version.licence,
            scores=ModelScores.of(evaluation) if evaluation is not None else None,
            iou={row.label.name: row.validation_iou for row in model_version.model_labels.all()},
        )
