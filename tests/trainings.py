"""A small drawn data set in a project, and trainings of it, for tests of the worker, the pages and the API."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import numpy as np
from django.utils import timezone

from segmentation.masks import mask_png
from tests.images import RED, picture, png
from webapp import storage
from webapp.actions.training import TrainingWish, start_training
from webapp.models import Annotation, Dataset, DatasetImage, Image, Project, TrainingEpoch, TrainingRun
from webapp.pipeline.freezing import checksum_of

TINY: dict[str, Any] = {
    "architecture": "unet",
    "encoder": "tu-mobilenetv3_small_050",
    "options": {"decoder_channels": [32, 24, 16, 12, 8]},
    "epochs": 2,
    "crop_px": 64,
}
"""A training of a second or two."""


def drawn_dataset(project: Project, *, train: int = 4, val: int = 4, test: int = 1, defect_index: int = 1) -> Dataset:
    """Pictures of 64 × 64; every other one is half red, which is the project's label `defect_index`."""
    dataset = Dataset.objects.create(project=project, name="Drawn parts", checksum="not frozen yet", label_counts=None)
    splits = ["train"] * train + ["val"] * val + ["test"] * test
    for place, split in enumerate(splits):
        rgb = picture(red=0.5 if place % 2 else 0.0, width=64, height=64, mark=place)
        mask = (rgb == RED).all(axis=2).astype(np.uint8) * defect_index
        _add(dataset, f"{place}.png", split, png(rgb), mask)
    rows = dataset.dataset_images.values_list("annotation__image__sha256", "annotation__mask_sha256", "split")
    dataset.checksum = checksum_of(rows)
    dataset.save(update_fields=["checksum"])
    return dataset


def _add(dataset: Dataset, name: str, split: str, content: bytes, mask: np.ndarray) -> None:
    written = mask_png(mask)
    image_sha256, mask_sha256 = (hashlib.sha256(one).hexdigest() for one in (content, written))
    storage.write(storage.original_path(image_sha256), content)
    storage.write(storage.annotation_path(mask_sha256), written)
    image, _ = Image.objects.get_or_create(
        project=dataset.project,
        sha256=image_sha256,
        defaults={
            "name": name,
            "format": "PNG",
            "size_bytes": len(content),
            "width_px": mask.shape[1],
            "height_px": mask.shape[0],
            "captured_at": timezone.now(),
            "captured_at_from": "upload",
        },
    )
    annotation, _ = Annotation.objects.get_or_create(image=image, mask_sha256=mask_sha256)
    DatasetImage.objects.create(dataset=dataset, annotation=annotation, name=name, split=split)


def taken_at(dataset: Dataset, split: str, *sources: str) -> None:
    """Give the images of a split these sources in turn."""
    rows = [dataset.project.sources.get_or_create(site="", name=name)[0] for name in sources]
    for place, member in enumerate(dataset.dataset_images.filter(split=split).order_by("name")):
        Image.objects.filter(annotations=member.annotation_id).update(source=rows[place % len(rows)])


def queued_training(project: Project, dataset: Dataset | None = None, **changes: Any) -> TrainingRun:
    dataset = dataset or drawn_dataset(project)
    wish = TrainingWish(dataset=dataset, **{**TINY, **changes})
    return start_training(project=project, user=None, wish=wish)


def learned(training_run: TrainingRun, epochs: int, *, state: str = "running", **changes: Any) -> TrainingRun:
    """Rows as a worker leaves them after so many epochs, without the learning."""
    names = [label.name for label in training_run.project.labels.all()[:2]]
    TrainingEpoch.objects.bulk_create(
        TrainingEpoch(
            training_run=training_run,
            number=number,
            loss=1.5 / number,
            validation_loss=1.6 / number,
            mean_iou=1 - 1 / (number + 1),
            iou={names[0]: 0.9, names[1]: 1 - 1 / number},
            learning_rate=0.002,
            seconds=10.0 * number,
        )
        for number in range(1, epochs + 1)
    )
    is_running = state == "running"
    values: dict[str, Any] = {
        "state": state,
        "leased_by": "elsewhere:1" if is_running else "",
        "leased_until": timezone.now() + timedelta(minutes=1) if is_running else None,
        "started_at": timezone.now(),
        "finished_at": None if is_running else timezone.now(),
        "epoch_at": timezone.now() if epochs else None,
        "progress_fraction": min(1.0, epochs / 10),
        "seconds_left": 10.0 * (10 - epochs) if is_running else None,
        "best_epoch": epochs or None,
        "best_mean_iou": 1 - 1 / (epochs + 1) if epochs else None,
    }
    TrainingRun.objects.filter(pk=training_run.pk).update(**{**values, **changes})
    training_run.refresh_from_db()
    return training_run
