"""Trainings: what to ask for, and how far one is."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import Field

from webapp.api.inputs import Id, Text
from webapp.api.schemas.models import ModelRef
from webapp.models import ModelVersion, TrainingEpoch, TrainingRun

Target = Literal["pc", "gpu-server", "edge"]
Start = Literal["random", "hub", "folder"]


class TrainingIn(Schema):
    """`dataset`: an id; without it the project's newest. One of `minutes` and `epochs`; without both an hour.

    `architecture`: without it the recommended one. `start`: `random`, `hub`, `folder`, or the id of a model of the
    project. `augment`: names of presets, `[]` for none; without it a mild mixture. `loss`: `auto` or a name.
    `mirrored_views`: the model may look at mirrored copies of each image too, where that is better on validation.
    """

    dataset: Id | None = None
    minutes: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    epochs: Annotated[int, Field(ge=1, le=100_000)] | None = None
    target: Target = "pc"
    architecture: Annotated[Text, Field(max_length=60)] = ""
    encoder: Annotated[Text, Field(max_length=100)] = ""
    start: Start | Id = "random"
    augment: Annotated[list[Text], Field(max_length=50)] | None = None
    loss: Text = "auto"
    crop_px: int | None = None
    mirrored_views: bool = False
    seed: int = 1


class EpochOut(Schema):
    """Numbers of one epoch; null where there is none. `seconds` count from the start of learning."""

    number: int
    loss: float | None
    validation_loss: float | None
    mean_iou: float | None
    iou: dict[str, float | None]
    learning_rate: float | None
    seconds: float

    @classmethod
    def of(cls, epoch: TrainingEpoch) -> EpochOut:
        return cls(
            number=epoch.number,
            loss=epoch.loss,
            validation_loss=epoch.validation_loss,
            mean_iou=epoch.mean_iou,
            iou=epoch.iou,
            learning_rate=epoch.learning_rate,
            seconds=epoch.seconds,
        )


class TrainingRow(Schema):
    """`status` ends as `done`, `failed` (`error` says why and what to do) or `cancelled`; done has a `model`."""

    id: int
    status: str
    error: str
    dataset: int
    architecture: str
    encoder: str
    target: str
    minutes: float | None
    epochs: int | None
    settings: dict[str, Any]
    progress_fraction: float
    seconds_left: float | None
    best_mean_iou: float | None
    model: ModelRef | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @classmethod
    def values(cls, training_run: TrainingRun, model_version: ModelVersion | None) -> dict[str, Any]:
        return {
            "id": training_run.pk,
            "status": training_run.state,
            "error": training_run.error,
            "dataset": training_run.dataset_id,
            "architecture": training_run.architecture,
            "encoder": training_run.encoder,
            "target": training_run.target,
            "minutes": training_run.minutes,
            "epochs": training_run.epochs_wanted,
            "settings": training_run.settings,
            "progress_fraction": training_run.progress_fraction,
            "seconds_left": training_run.seconds_left,
            "best_mean_iou": training_run.best_mean_iou,
            "model": None if model_version is None else ModelRef.of(model_version),
            "created_at": training_run.created_at,
            "started_at": training_run.started_at,
            "finished_at": training_run.finished_at,
        }


class TrainingOut(TrainingRow):
    curve: list[EpochOut]


class TrainingPage(Schema):
    items: list[TrainingRow]
    next: str | None


class CancelIn(Schema):
    """`keep`: the best so far becomes a model version."""

    keep: bool
