"""Datasets: labelled folders become frozen images, annotations and a split."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from django.db import transaction

from segmentation.datasets.folder import FolderDataset
from segmentation.masks import mask_png
from segmentation.pictures import inspect_picture
from segmentation.spec import IGNORE_INDEX
from webapp import storage
from webapp.actions.labels import add_label
from webapp.actions.project_templates import LabelInput
from webapp.models import Annotation, Dataset, DatasetImage, Image, Project, User
from webapp.pipeline.receive import copy_hashed, picture_columns, picture_limits, time_of


@dataclass(frozen=True)
class _Stored:
    name: str
    split: str
    image_sha256: str
    mask_sha256: str
    columns: dict[str, object]


def import_dataset(
    *,
    project: Project,
    user: User | None,
    path: Path,
    name: str = "",
    new_labels_are_defects: bool = True,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Dataset:
    """Copy a labelled folder into the store as a frozen Dataset of the project.

    Labels of the folder that the project lacks are added to it, as defects where the folder says so (without
    labels.json: all but background) and `new_labels_are_defects` does not forbid it. The same folder twice
    gives the same Dataset. DatasetError or PictureError names a bad file;
    no Dataset is made then.
    """
    folder = FolderDataset(path)
    mapping = _add_labels(project, user, folder, are_defects=new_labels_are_defects)
    members = [(split, member) for split in ("train", "val", "test") for member in folder.names(split)]
    stored = []
    for place, (split, member) in enumerate(members):
        stored.append(_store(folder, member, split, mapping))
        progress(place + 1, len(members))
    return _freeze(project, user, name or path.name, stored)


@transaction.atomic
def _add_labels(project: Project, user: User | None, folder: FolderDataset, *, are_defects: bool) -> np.ndarray:
    """uint8[256] from the folder's label indices to the project's, adding labels by name where they lack."""
    labels = {label.name.lower(): label for label in project.labels.all()}
    mapping = np.full(256, IGNORE_INDEX, np.uint8)
    for label in folder.labels:
        name = label.name.lower()
        if name not in labels:
            new = LabelInput(label.name, label.color, is_defect=are_defects and label.is_defect)
            labels[name] = add_label(project=project, user=user, label=new)
        mapping[label.index] = labels[name].index
    return mapping


def _store(folder: FolderDataset, member: str, split: str, mapping: np.ndarray) -> _Stored:
    source = folder.image_path(member)
    facts = inspect_picture(source, limits=picture_limits())
    with source.open("rb") as stream, storage.temporary_file() as file:
        image_sha256, size_bytes = copy_hashed(stream, file)
        if not storage.original_path(image_sha256).exists():
            storage.move_into_place(Path(file.name), storage.original_path(image_sha256))
    mask = mask_png(mapping[folder.read_mask(member)])
    mask_sha256 = hashlib.sha256(mask).hexdigest()
    if not storage.annotation_path(mask_sha256).exists():
        storage.write(storage.annotation_path(mask_sha256), mask)
    captured_at, captured_at_from = time_of(facts)
    return _Stored(
        name=member,
        split=split,
        image_sha256=image_sha256,
        mask_sha256=mask_sha256,
        columns={
            **picture_columns(source.name, size_bytes, facts),
            "captured_at": captured_at,
            "captured_at_from": captured_at_from,
        },
    )


@transaction.atomic
def _freeze(project: Project, user: User | None, name: str, stored: list[_Stored]) -> Dataset:
    lines = sorted(f"{row.image_sha256} {row.mask_sha256} {row.split}" for row in stored)
    checksum = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    dataset, is_new = Dataset.objects.get_or_create(project=project, checksum=checksum, defaults={"name": name[:200]})
    if not is_new:
        return dataset
    members = []
    for row in stored:
        image, _ = Image.objects.get_or_create(project=project, sha256=row.image_sha256, defaults=row.columns)
        annotation, _ = Annotation.objects.get_or_create(
            image=image, mask_sha256=row.mask_sha256, defaults={"created_by": user}
        )
        members.append(DatasetImage(dataset=dataset, annotation=annotation, name=row.name, split=row.split))
    DatasetImage.objects.bulk_create(members)
    return dataset
