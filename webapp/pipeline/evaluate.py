"""A model version against a labelled folder it has not seen: pixels and pictures."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from django.conf import settings

from segmentation.datasets import open_dataset
from segmentation.evaluation import Evaluation, evaluate
from segmentation.judging.slices import slices_by_name
from segmentation.pairs import Pair
from segmentation.segmenter import Segmenter
from segmentation.spec import IGNORE_INDEX, LabelSpec
from webapp import storage
from webapp.models import ModelVersion
from webapp.pipeline.version_labels import known_labels, label_specs


def evaluate_on_folder(
    model_version: ModelVersion, path: Path, *, split: str, on_picture: Callable[[], object]
) -> Evaluation:
    """Score a model version on a split under the rule and defect flags in force in its project.

    `on_picture` is called whenever a picture is read. Labels are matched by the names that the project's have today;
    those the model does not know count as missed. Slices are those that the pictures' names tell apart. DatasetError
    names a bad file, ValueError an empty split.
    """
    folder = open_dataset(path)
    stored = storage.fetch_folder(storage.model_folder(model_version.folder))
    segmenter = Segmenter(stored, device=settings.PIXELWISE_DEVICE)
    labels = _labels(model_version, folder.labels)
    places = {label.name.lower(): label.index for label in labels}
    remap = np.full(256, IGNORE_INDEX, np.uint8)
    for label in folder.labels:
        remap[label.index] = places[label.name.lower()]
    return evaluate(
        segmenter,
        [_told(pair, on_picture) for pair in folder.pairs(split, label_map=remap)],
        labels=labels,
        min_region_px=model_version.project.min_region_px,
        slices=slices_by_name(folder.names(split)),
    )


def _labels(model_version: ModelVersion, asked: Sequence[LabelSpec]) -> list[LabelSpec]:
    """The model's labels, then those of the folder it does not know; the project says which are defects."""
    known = label_specs(model_version, known_labels(model_version))
    names = {label.name.lower() for label in known}
    unknown = [label for label in asked if label.name.lower() not in names]
    flags = {label.name.lower(): label.is_defect for label in model_version.project.labels.all()}
    return known + [
        dataclasses.replace(label, index=place, is_defect=flags.get(label.name.lower(), label.is_defect))
        for place, label in enumerate(unknown, start=len(known))
    ]


def _told(pair: Pair, on_picture: Callable[[], object]) -> Pair:
    def read() -> tuple[np.ndarray, np.ndarray]:
        on_picture()
        return pair.read()

    return dataclasses.replace(pair, read=read)
