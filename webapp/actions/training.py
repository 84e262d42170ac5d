"""Training: a data set becomes a model version, and that goes live. Loads torch: for commands and workers only."""

from __future__ import annotations

import dataclasses
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from django.db import transaction
from django.utils import timezone

from segmentation.evaluation import Evaluation, evaluate
from segmentation.masks import read_mask
from segmentation.model_card import model_card
from segmentation.operating_point import choose_operating_point
from segmentation.pairs import Pair
from segmentation.pictures import read_rgb
from segmentation.segmenter import Segmenter
from segmentation.spec import IGNORE_INDEX, LabelSpec, ModelSpec
from segmentation.train import Epoch, TrainSettings, train
from segmentation.weights import save_model
from webapp import storage
from webapp.actions.model_versions import go_live, register_model
from webapp.models import (
    Dataset,
    DatasetImage,
    Label,
    ModelVersion,
    Project,
    TrainingEpoch,
    TrainingRun,
    User,
)

# Light enough to learn much in an hour of two CPU cores; see docs/results.md.
DEFAULT_ENCODER = "tu-mobilenetv4_conv_small"
DECODER_CHANNELS = (64, 48, 32, 24, 16)


@dataclass(frozen=True)
class Trained:
    """`iou` has one value per label of the validation split, None where the split says nothing about it."""

    model_version: ModelVersion
    minutes: float
    iou: Mapping[str, float | None]


def train_model(
    *,
    project: Project,
    user: User | None,
    dataset: Dataset,
    architecture: str,
    encoder: str | None,
    settings: TrainSettings,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
) -> Trained:
    """Train on a data set's train split, choose the operating point on its validation split, go live.

    What was learned is kept where the caller's `on_epoch` raises KeyboardInterrupt after a first epoch.
    ValueError where the data set cannot be trained on; the training run then says why.
    """
    started = time.monotonic()
    labels = taught_labels(dataset)
    spec = ModelSpec(
        architecture=architecture,
        encoder=encoder or DEFAULT_ENCODER,
        options={"decoder_channels": list(DECODER_CHANNELS)},
        labels=tuple(LabelSpec(place, label.name, label.color, label.is_defect) for place, label in enumerate(labels)),
    )
    training_run = TrainingRun.objects.create(
        project=project,
        dataset=dataset,
        architecture=architecture,
        encoder=spec.encoder or "",
        settings={name: getattr(settings, name) for name in ("epochs", "minutes", "crop_px", "seed")},
    )
    try:
        validation_pairs = dataset_pairs(dataset, DatasetImage.Split.VALIDATION, labels)
        epochs = train(dataset_pairs(dataset, DatasetImage.Split.TRAIN, labels), validation_pairs, spec, settings)
        last = _learn(training_run, epochs, on_epoch)
        model_version = _keep(training_run, user, spec, settings, validation_pairs, last)
    except BaseException as error:
        TrainingRun.objects.filter(pk=training_run.pk).update(
            state=TrainingRun.State.FAILED,
            error=str(error) or type(error).__name__,
            finished_at=timezone.now(),
        )
        raise
    iou = {row.label.name: row.validation_iou for row in model_version.model_labels.select_related("label")}
    return Trained(model_version=model_version, minutes=(time.monotonic() - started) / 60, iou=iou)


def taught_labels(dataset: Dataset) -> list[Label]:
    """The project's labels that occur in the training split, by index; the first label of the project always.

    ValueError where fewer than two labels occur: there is nothing to tell apart.
    """
    present: set[int] = set()
    for annotation in _annotations(dataset, DatasetImage.Split.TRAIN):
        mask = read_mask(storage.annotation_path(annotation))
        present |= set(np.flatnonzero(np.bincount(mask.ravel(), minlength=256)[:IGNORE_INDEX]).tolist())
    labels = list(dataset.project.labels.all())
    taught = [label for label in labels if label.index in present or label == labels[0]]
    if len(taught) < 2:
        raise ValueError(
            f"the training split of {dataset.name} shows only {', '.join(label.name for label in taught)}; "
            "training needs pictures of at least two labels"
        )
    return taught


def dataset_pairs(dataset: Dataset, split: str, labels: list[Label]) -> list[Pair]:
    """Pictures with masks in model label indices, in order of `labels`; other labels count as not judged."""
    remap = np.full(256, IGNORE_INDEX, np.uint8)
    for place, label in enumerate(labels):
        remap[label.index] = place
    members = dataset.dataset_images.filter(split=split).select_related("annotation__image").order_by("name")

    def pair(name: str, image_sha256: str, mask_sha256: str) -> Pair:
        def read() -> tuple[np.ndarray, np.ndarray]:
            picture = read_rgb(storage.original_path(image_sha256))
            return picture, remap[read_mask(storage.annotation_path(mask_sha256))]

        return Pair(name=name, read=read)

    return [pair(member.name, member.annotation.image.sha256, member.annotation.mask_sha256) for member in members]


def _annotations(dataset: Dataset, split: str) -> list[str]:
    return list(dataset.dataset_images.filter(split=split).values_list("annotation__mask_sha256", flat=True))


def _learn(training_run: TrainingRun, epochs: Iterable[Epoch], on_epoch: Callable[[Epoch], None]) -> Epoch:
    last: Epoch | None = None
    try:
        for epoch in epochs:
            last = epoch
            TrainingEpoch.objects.create(
                training_run=training_run,
                number=epoch.index,
                loss=epoch.loss,
                mean_iou=epoch.mean_iou,
                seconds=epoch.seconds,
            )
            on_epoch(epoch)
    except KeyboardInterrupt:
        if last is None:
            raise
    if last is None:
        raise ValueError("the time was too short for one epoch; give more minutes")
    return last


def _keep(
    training_run: TrainingRun,
    user: User | None,
    spec: ModelSpec,
    settings: TrainSettings,
    validation_pairs: list[Pair],
    last: Epoch,
) -> ModelVersion:
    """Write the best weights with their operating point and card, register them and put them live."""
    spec = dataclasses.replace(spec, min_region_px=choose_operating_point(last.outcomes).min_region_px)
    with tempfile.TemporaryDirectory(dir=storage.temporary_folder()) as name:
        folder = Path(name)
        save_model(folder, spec, last.module, card="Not scored yet.\n")
        scores = evaluate(Segmenter(folder, device=settings.device), validation_pairs)
        save_model(folder, spec, last.module, card=_card(training_run, spec, settings, last.steps, scores))
        with transaction.atomic():
            model_version = register_model(
                project=training_run.project,
                user=user,
                folder=folder,
                origin=ModelVersion.Origin.TRAINED,
                training_run=training_run,
                validation_iou={label.name: scores.agreement.iou(label.index) for label in spec.labels},
            )
            TrainingRun.objects.filter(pk=training_run.pk).update(
                state=TrainingRun.State.DONE, finished_at=timezone.now()
            )
            go_live(model_version=model_version, user=user)
    return model_version


def _card(training_run: TrainingRun, spec: ModelSpec, settings: TrainSettings, steps: int, scores: Evaluation) -> str:
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
        settings=settings,
        steps=steps,
        evaluation=scores,
        evaluated_on="the validation images",
        limits=[
            "These images also chose the weights and the limit of the verdict: expect new images to do worse. "
            "`manage.py evaluate` on images kept apart says how much.",
            "Confidence is not calibrated.",
        ],
        licence="Yours; it follows the photos it was trained on.",
    )
