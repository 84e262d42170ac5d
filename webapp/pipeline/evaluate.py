"""A model version against a labelled folder it has not seen: pixels and pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from django.conf import settings

from segmentation.datasets.folder import FolderDataset
from segmentation.operating_point import OperatingPoint, operating_point
from segmentation.segmenter import Segmenter
from segmentation.spec import IGNORE_INDEX
from segmentation.validation import Validation, validate
from webapp import storage
from webapp.models import ModelVersion


@dataclass(frozen=True)
class Evaluation:
    """`iou` per label name, None where neither truth nor prediction has it; 0 for labels the model does not know."""

    iou: dict[str, float | None]
    point: OperatingPoint
    image_count: int


def evaluate(
    model_version: ModelVersion,
    path: Path,
    *,
    split: str = "test",
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Evaluation:
    """Segment a split of a folder and compare it with its masks under the rule in force for the model version.

    DatasetError names a bad file; ValueError where the split is empty.
    """
    folder = FolderDataset(path)
    pairs = folder.pairs(split)
    if not pairs:
        raise ValueError(f"the split {split!r} of {path} is empty; it has: {_sizes(folder)}")
    segmenter = Segmenter(storage.model_folder(model_version.folder), device=settings.PIXELWISE_DEVICE)
    names = [label.name for label in segmenter.spec.labels]
    names += [label.name for label in folder.labels if label.name.lower() not in _lower(names)]
    remap = np.full(256, IGNORE_INDEX, np.uint8)
    for label in folder.labels:
        remap[label.index] = _lower(names).index(label.name.lower())

    def judged() -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
        for place, pair in enumerate(pairs):
            rgb, mask = pair.read()
            yield pair.name, rgb, remap[mask]
            progress(place + 1, len(pairs))

    validation: Validation = validate(
        lambda rgb: segmenter.segment([rgb])[0].mask,
        judged(),
        label_count=len(names),
        defect_indices=_defects(model_version, names),
    )
    limit = model_version.project.min_region_px or model_version.min_region_px
    return Evaluation(
        iou=dict(zip(names, validation.agreement.ious(), strict=True)),
        point=operating_point(validation.outcomes, limit),
        image_count=len(pairs),
    )


def _defects(model_version: ModelVersion, names: list[str]) -> frozenset[int]:
    """Indices of the names that are defects; a name the project has no label for is one unless it is background."""
    flags = {label.name.lower(): label.is_defect for label in model_version.project.labels.all()}
    return frozenset(index for index, name in enumerate(names) if flags.get(name.lower(), name.lower() != "background"))


def _lower(names: list[str]) -> list[str]:
    return [name.lower() for name in names]


def _sizes(folder: FolderDataset) -> str:
    return ", ".join(f"{name} {len(members)}" for name, members in folder.splits.items())
