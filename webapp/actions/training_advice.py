"""What a person should know before a training: what the data holds, which network suits, what it can start from."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from django.conf import settings

from segmentation.recommend import Recommendation, Target, recommend
from segmentation.transfer import Start, model_start, starts
from webapp import storage
from webapp.models import Dataset, DatasetImage, Label, ModelVersion, Project
from webapp.pipeline.label_census import label_counts

FEW_IMAGES = 10
USUAL_MINUTES = 60
USUAL_PRESETS = ("light", "mirrored", "upside-down", "camera", "rare-copied")
"""Nearest to the mixture that the measured models of docs/models.md were trained with."""

_NVIDIA_DRIVER = Path("/proc/driver/nvidia/version")


@dataclass(frozen=True)
class LabelFacts:
    """How many images of each split show the label."""

    label: Label
    train_count: int
    validation_count: int


@dataclass(frozen=True)
class DataFacts:
    """`problems` are sentences about what is missing; with `is_trainable` false a training could not even begin."""

    dataset: Dataset
    train_count: int
    validation_count: int
    test_count: int
    labels: tuple[LabelFacts, ...]
    problems: tuple[str, ...]
    is_trainable: bool


@dataclass(frozen=True)
class StartChoice:
    """`value`: "random", "hub", "folder", or "version:" and the id of a model version."""

    value: str
    title: str
    is_usable: bool
    why: str


def data_facts(dataset: Dataset) -> DataFacts:
    counts = label_counts(dataset)
    members = dataset.dataset_images
    in_split = {split: members.filter(split=split).count() for split in DatasetImage.Split.values}
    rows = tuple(
        LabelFacts(label, counts["train"].get(label.index, 0), counts["val"].get(label.index, 0))
        for label in Label.objects.filter(project=dataset.project_id)
    )
    taught = [row for row in rows if row.train_count]
    return DataFacts(
        dataset=dataset,
        train_count=in_split["train"],
        validation_count=in_split["val"],
        test_count=in_split["test"],
        labels=rows,
        problems=tuple(_problems(in_split, rows, taught)),
        is_trainable=bool(in_split["train"] and in_split["val"] and len(taught) >= 2),
    )


def recommendation(dataset: Dataset, *, minutes: float | None, target: str) -> Recommendation:
    """For the train split of a data set; a length in epochs counts as an hour. ValueError for an unknown target."""
    train = dataset.dataset_images.filter(split=DatasetImage.Split.TRAIN)
    sides = train.values_list("annotation__image__width_px", "annotation__image__height_px")
    shorter = [min(side for side in pair if side) for pair in sides if all(pair)]
    return recommend(
        cast("Target", target),
        minutes or USUAL_MINUTES,
        len(sides),
        len(label_counts(dataset)["train"]),
        statistics.median(shorter) if shorter else 0,
        has_gpu(),
    )


def start_choices(
    project: Project, *, architecture: str, encoder: str | None, own_architecture: str = "", own_encoder: str = ""
) -> list[StartChoice]:
    """Every way to start, those that cannot be used too. Asks the hub, for two seconds at most.

    `architecture` and `encoder` are the network that would be trained; `own_…` what of it a person has chosen: a
    training from a version takes over the rest of its network.
    """
    versions = ModelVersion.objects.filter(project=project).exclude(origin=ModelVersion.Origin.COLORS)
    weights = storage.encoder_folder()
    # Where the data folder lies is no affair of whoever reads the page.
    found = [
        StartChoice(start.name, start.title, start.is_usable, start.why.replace(str(weights), "encoders"))
        for start in starts(architecture, encoder, weights_folder=weights)
    ]
    for version in versions.select_related("training_run__dataset"):
        start = version_start(version, own_architecture, own_encoder)
        title = f"From version {version.number}"
        found.append(StartChoice(f"version:{version.pk}", title, start.is_usable, start.why))
    return found


def version_start(version: ModelVersion, architecture: str = "", encoder: str = "") -> Start:
    """Whether a training could start from a version, with this network; what is empty is taken over from it."""
    folder = storage.fetch_folder(storage.model_folder(version.folder))
    start = model_start(folder, architecture, encoder or None)
    return replace(start, why=start.why.replace(str(folder), "its folder"))


def has_gpu() -> bool:
    """Whether trainings run on an NVIDIA GPU, as far as can be told without loading torch."""
    wanted = settings.PIXELWISE_DEVICE
    return wanted == "cuda" or (wanted == "auto" and _NVIDIA_DRIVER.exists())


def _problems(in_split: dict[str, int], rows: Sequence[LabelFacts], taught: Sequence[LabelFacts]) -> list[str]:
    if not in_split["train"]:
        return ["There are no images to learn from."]
    found = []
    if not in_split["val"]:
        found.append("There are no validation images, so nobody could tell how well the model does.")
    if len(taught) < 2:
        found.append("The training images show fewer than two labels: there is nothing to tell apart.")
    blind = _names([row for row in taught if not row.validation_count]) if in_split["val"] else ""
    if blind:
        found.append(f"No validation image shows {blind}: nobody can tell how well that is found.")
    absent = [row for row in rows if not row.train_count and row.label.is_defect]
    if absent:
        found.append(
            f"No training image shows {_names(absent)}: the model will not know {'them' if len(absent) > 1 else 'it'}."
        )
    few = _names([row for row in taught if row.train_count < FEW_IMAGES and row.label.is_defect])
    if few:
        found.append(f"Fewer than {FEW_IMAGES} training images show {few}: expect little of that.")
    return found


def _names(rows: Sequence[LabelFacts]) -> str:
    names = [row.label.name for row in rows]
    return " or ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)
