"""What an epoch brought, saved for the page: its numbers, and what it makes of four validation pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from segmentation.masks import overlay
from segmentation.pictures import thumbnail
from segmentation.spec import ModelSpec
from segmentation.train import Epoch
from webapp import storage
from webapp.models import TrainingEpoch, TrainingRun
from webapp.pipeline.training_lease import LeaseLostError

PREVIEW_PX = 320


def save_epoch(training_run_id: int, worker: str, epoch: Epoch, spec: ModelSpec) -> None:
    """LeaseLostError, and nothing saved, where `worker` no longer holds the training.

    An epoch that was saved before a worker was killed and is learned again replaces the first.
    """
    _write_previews(training_run_id, epoch, spec)
    names = [label.name for label in spec.labels]
    with transaction.atomic():
        held = TrainingRun.objects.filter(pk=training_run_id).held_by(worker)
        if not held.update(
            progress_fraction=min(1.0, max(0.0, epoch.progress_fraction)),
            seconds_left=finite(epoch.seconds_left),
            epoch_at=timezone.now(),
            best_mean_iou=mean(epoch.best_iou),
            best_epoch=epoch.best_index,
            preview_names=[preview.name for preview in epoch.previews],
            attempts_count=0,
        ):
            raise LeaseLostError
        TrainingEpoch.objects.update_or_create(
            training_run_id=training_run_id,
            number=epoch.index,
            defaults={
                "loss": finite(epoch.loss),
                "validation_loss": finite(epoch.validation_loss),
                "mean_iou": finite(epoch.mean_iou),
                "iou": dict(zip(names, map(finite, epoch.iou), strict=True)),
                "learning_rate": finite(epoch.learning_rate),
                "seconds": epoch.seconds,
            },
        )


def finite(value: float | None) -> float | None:
    """A number that JSON and pages can hold, or None."""
    return None if value is None or not math.isfinite(value) else float(value)


def mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _write_previews(training_run_id: int, epoch: Epoch, spec: ModelSpec) -> None:
    for place, preview in enumerate(epoch.previews):
        truth = storage.preview_path(training_run_id, place, None)
        if not storage.exists(truth):
            laid_over = overlay(preview.rgb, preview.truth, spec.labels)
            storage.write(truth, thumbnail(laid_over, PREVIEW_PX))
        laid_over = overlay(preview.rgb, preview.mask, spec.labels)
        storage.write(storage.preview_path(training_run_id, place, epoch.index), thumbnail(laid_over, PREVIEW_PX))
