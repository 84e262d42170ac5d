"""What a data set offers a training: its pairs, their sources, and which labels occur in its splits. Needs no torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from segmentation.masks import read_mask
from segmentation.pairs import Pair
from segmentation.pictures import read_rgb
from segmentation.spec import IGNORE_INDEX, LabelSpec
from webapp import storage
from webapp.models import Dataset, DatasetImage, Label
from webapp.pipeline.freezing import require_unchanged


def taught_labels(dataset: Dataset) -> list[Label]:
    """The project's labels that occur in the training split, by index; the first label of the project always.

    ValueError where fewer than two labels occur: there is nothing to tell apart.
    """
    present: set[int] = set()
    for path in annotation_paths(dataset, DatasetImage.Split.TRAIN):
        present |= labels_in(path)
    labels = list(dataset.project.labels.all())
    taught = [label for label in labels if label.index in present or label == labels[0]]
    if len(taught) < 2:
        raise ValueError(
            f"the training split of {dataset.name} shows only {', '.join(label.name for label in taught)}; "
            "training needs pictures of at least two labels"
        )
    return taught


def labels_in(mask_path: Path) -> set[int]:
    """The label indices of a mask, without 255."""
    counts = np.bincount(read_mask(mask_path).ravel(), minlength=256)
    return set(np.flatnonzero(counts[:IGNORE_INDEX]).tolist())


def annotation_paths(dataset: Dataset, split: str) -> list[Path]:
    hashes = dataset.dataset_images.filter(split=split).values_list("annotation__mask_sha256", flat=True)
    paths = [storage.annotation_path(mask_sha256) for mask_sha256 in hashes]
    storage.fetch_all(paths)
    return paths


def label_specs(labels: Sequence[Label]) -> tuple[LabelSpec, ...]:
    """The labels of a model that learns these, counted from 0."""
    return tuple(LabelSpec(place, label.name, label.color, label.is_defect) for place, label in enumerate(labels))


def dataset_pairs(dataset: Dataset, split: str, labels: Sequence[Label]) -> list[Pair]:
    """Pictures with masks in model label indices, in order of `labels`; other labels count as not judged.

    ChangedDatasetError where the data set is no longer what was frozen.
    """
    require_unchanged(dataset)
    remap = np.full(256, IGNORE_INDEX, np.uint8)
    for place, label in enumerate(labels):
        remap[label.index] = place
    members = dataset.dataset_images.filter(split=split).select_related("annotation__image").order_by("name")

    def pair(name: str, image_sha256: str, mask_sha256: str) -> Pair:
        def read() -> tuple[np.ndarray, np.ndarray]:
            picture = read_rgb(storage.fetch(storage.original_path(image_sha256)))
            return picture, remap[read_mask(storage.fetch(storage.annotation_path(mask_sha256)))]

        return Pair(name=name, read=read, is_held_out=split == DatasetImage.Split.TEST)

    return [pair(member.name, member.annotation.image.sha256, member.annotation.mask_sha256) for member in members]


def sources_by_name(dataset: Dataset, split: str) -> dict[str, str]:
    """Name of each image of a split that has a source → the source; none where all share one."""
    members = dataset.dataset_images.filter(split=split).select_related("annotation__image__source")
    images = {member.name: member.annotation.image for member in members}
    found = {name: str(image.source) for name, image in images.items() if image.source is not None}
    return found if len(set(found.values())) > 1 else {}
