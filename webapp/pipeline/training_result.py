"""The end of a training: the best weights, their operating point and card become a model version."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings
from django.db import transaction

from segmentation.evaluation import Evaluation, evaluate
from segmentation.finishing import finished_spec
from segmentation.model_card import CHOSEN_ON_VALIDATION, LICENCE_OF_THE_PHOTOS, model_card
from segmentation.pairs import Pair
from segmentation.segmenter import Segmenter
from segmentation.spec import ModelSpec
from segmentation.train import Epoch, TrainSettings
from segmentation.weights import save_model
from webapp import storage
from webapp.models import DatasetImage, Label, ModelVersion, Project, TrainingRun
from webapp.pipeline.registering import put_live, register_model
from webapp.pipeline.training_data import sources_by_name
from webapp.pipeline.training_labels import frozen_labels, renamed
from webapp.pipeline.training_lease import LeaseLostError, end_training


def keep_best(
    training_run: TrainingRun,
    worker: str,
    spec: ModelSpec,
    chosen: TrainSettings,
    validation_pairs: Sequence[Pair],
    last: Epoch,
) -> list[int]:
    """Write the best weights with their operating point and card, and register them.

    The version goes live where the project has none yet, and after a command always. Returns the runs of batches that
    waited for a model. LeaseLostError, and nothing registered, where `worker` no longer holds the training. ValueError
    where a label that it learned was deleted meanwhile.
    """
    device = settings.PIXELWISE_DEVICE
    labels = frozen_labels(training_run)
    spec = renamed(last.spec, labels)
    spec = finished_spec(spec, last.module, last.outcomes, validation_pairs, device=device, mirrors=chosen.mirrors)
    with tempfile.TemporaryDirectory(dir=storage.temporary_folder()) as name:
        folder = Path(name)
        save_model(folder, spec, last.module, card="Not scored yet.\n")
        sources = sources_by_name(training_run.dataset, DatasetImage.Split.VALIDATION)
        scores = evaluate(Segmenter(folder, device=device), validation_pairs, slices=sources)
        save_model(folder, spec, last.module, card=_card(training_run, spec, chosen, last, scores))
        return _register(training_run, worker, folder, labels, scores)


@transaction.atomic
def _register(
    training_run: TrainingRun, worker: str, folder: Path, labels: Sequence[Label], scores: Evaluation
) -> list[int]:
    held = TrainingRun.objects.filter(pk=training_run.pk).held_by(worker)
    locked = held.select_for_update().first()
    if locked is None:
        raise LeaseLostError
    if locked.cancel_requested_at is not None and not locked.cancel_keeps_best:
        end_training(held, TrainingRun.State.CANCELLED)
        return []
    model_version = register_model(
        project=training_run.project,
        user=training_run.created_by,
        folder=folder,
        origin=ModelVersion.Origin.TRAINED,
        training_run=training_run,
        labels=labels,
        validation_iou={label.name: scores.agreement.iou(label.index) for label in scores.labels},
    )
    held.update(progress_fraction=1.0)
    end_training(held, TrainingRun.State.DONE)
    has_live = Project.objects.filter(pk=training_run.project_id, live_model__isnull=False).exists()
    if training_run.by_command or not has_live:
        return put_live(model_version, user=training_run.created_by)
    return []


def _card(training_run: TrainingRun, spec: ModelSpec, chosen: TrainSettings, last: Epoch, scores: Evaluation) -> str:
    dataset = training_run.dataset
    counts = {split: dataset.dataset_images.filter(split=split).count() for split in DatasetImage.Split}
    return model_card(
        title=f"{spec.architecture} for {training_run.project.name}",
        summary=f"Trained on data set {dataset.name} of project {training_run.project.name}.",
        data=[
            f"Data set {dataset.name}, checksum {dataset.checksum}.",
            *(f"{split.label}: {count} images." for split, count in counts.items()),
            "Test images were never read in training.",
        ],
        spec=spec,
        settings=chosen,
        steps=last.steps,
        kept_fraction=last.kept_fraction,
        evaluation=scores,
        evaluated_on="the validation images",
        limits=[f"{CHOSEN_ON_VALIDATION} `manage.py evaluate` on images kept apart says how much."],
        licence=LICENCE_OF_THE_PHOTOS,
    )
