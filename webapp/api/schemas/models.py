"""Model versions."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from ninja import Schema

from webapp.models import ModelVersion


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


class ModelOut(Schema):
    """`iou`: intersection over union per label on the validation split; null where it was not measured."""

    id: int
    number: int
    architecture: str
    encoder: str
    origin: str
    is_live: bool
    created_at: datetime
    min_region_px: int
    iou: dict[str, float | None]

    @classmethod
    def of(cls, model_version: ModelVersion, *, live_id: int | None) -> ModelOut:
        return cls(
            id=model_version.pk,
            number=model_version.number,
            architecture=model_version.architecture,
            encoder=model_version.encoder,
            origin=model_version.origin,
            is_live=model_version.pk == live_id,
            created_at=model_version.created_at,
            min_region_px=model_version.min_region_px,
            iou={row.label.name: row.validation_iou for row in model_version.model_labels.all()},
        )
