"""The images of a data set to be: stored by content, with all that is needed to share them out."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db import transaction

from segmentation.datasets import LabelledDataset
from segmentation.datasets.likeness import signature
from segmentation.datasets.reader import without_ending
from segmentation.masks import mask_png, read_mask
from segmentation.pictures import PictureError, inspect_picture, read_rgb
from segmentation.spec import IGNORE_INDEX
from webapp import storage
from webapp.models import Annotation, Image, Project
from webapp.pipeline.contents import hold_content
from webapp.pipeline.linking import picture_columns, time_of
from webapp.pipeline.receive import copy_hashed, picture_limits

_LAST_PART_OF_NAME = re.compile(r"[-_ ][^-_ ]*$")


@dataclass(frozen=True)
class Member:
    """`given_split` is empty where none was given; `pixels` by project label index; `look`: its signature.

    `groups`: grouping → key; members with one key belong together. `columns`: for the Image, where it is new.
    """

    name: str
    given_split: str
    image_sha256: str
    mask_sha256: str
    pixels: dict[int, int]
    look: str
    groups: dict[str, str]
    columns: dict[str, Any] = field(default_factory=dict)

    @property
    def signature(self) -> npt.NDArray[np.float32]:
        return np.frombuffer(base64.b64decode(self.look), np.float16).astype(np.float32)

    def to_json(self) -> str:
        values = dataclasses.asdict(self)
        if "captured_at" in self.columns:
            values["columns"]["captured_at"] = self.columns["captured_at"].isoformat()
        return json.dumps(values, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Member:
        values = json.loads(text)
        values["pixels"] = {int(index): count for index, count in values["pixels"].items()}
        if "captured_at" in values["columns"]:
            values["columns"]["captured_at"] = datetime.fromisoformat(values["columns"]["captured_at"])
        return cls(**values)


def names_of(dataset: LabelledDataset) -> list[tuple[str, str]]:
    """(given split, name) of every image of a data set; the split is empty where the files say nothing."""
    if dataset.given_splits is None:
        return [("", name) for name in dataset.all_names()]
    return [(split, name) for split in ("train", "val", "test") for name in dataset.names(split)]


def store_member(dataset: LabelledDataset, name: str, split: str, table: npt.NDArray[np.uint8]) -> Member:
    """Copy picture and mask into the store. DatasetError or PictureError names what is wrong with them."""
    source = dataset.image_path(name)
    try:
        facts = inspect_picture(source, limits=picture_limits())
    except PictureError as error:
        raise PictureError(f"{source} {error}") from error
    rgb, mask = dataset.read(name)
    mask = table[mask]
    with source.open("rb") as stream, storage.temporary_file() as file:
        image_sha256, size_bytes = copy_hashed(stream, file)
        with transaction.atomic():
            hold_content([image_sha256])
            if not storage.exists(storage.original_path(image_sha256), fresh=True):
                storage.move_into_place(Path(file.name), storage.original_path(image_sha256))
    captured_at, captured_at_from = time_of(facts)
    groups = {"part": _LAST_PART_OF_NAME.sub("", name), "folder": name.rpartition("/")[0]}
    if captured_at_from == Image.TimeSource.EXIF:
        groups["day"] = captured_at.date().isoformat()
    return Member(
        name=name,
        given_split=split,
        image_sha256=image_sha256,
        mask_sha256=_store_mask(mask),
        pixels=_pixels(mask),
        look=_look(rgb),
        groups={key: value for key, value in groups.items() if value},
        columns={
            **picture_columns(source.name, size_bytes, facts),
            "captured_at": captured_at,
            "captured_at_from": captured_at_from,
        },
    )


def annotated_images(project: Project) -> Iterator[Annotation]:
    """The newest annotation of each image of a project."""
    newest = Annotation.objects.filter(image__project=project).order_by("image_id", "-id").distinct("image_id")
    return newest.select_related("image").iterator()


def annotation_count(project: Project) -> int:
    """How many images of a project have an annotation."""
    return Image.objects.filter(project=project, annotations__isnull=False).distinct().count()


def member_of_annotation(annotation: Annotation, batches: dict[int, int], taken: set[str]) -> Member:
    """From what is stored already. `batches`: image id → its first batch; `taken`: names used so far."""
    image = annotation.image
    name = without_ending(image.name)
    name = name if name not in taken else f"{name}-{image.pk}"
    taken.add(name)
    thumbnail = storage.thumbnail_path(image.sha256)
    rgb = read_rgb(storage.fetch(thumbnail if storage.exists(thumbnail) else storage.original_path(image.sha256)))
    groups = {"part": _LAST_PART_OF_NAME.sub("", without_ending(image.name))}
    if image.source_id is not None:
        groups["source"] = str(image.source_id)
    if image.pk in batches:
        groups["batch"] = str(batches[image.pk])
    if image.captured_at_from != Image.TimeSource.UPLOAD:
        groups["day"] = image.captured_at.date().isoformat()
    return Member(
        name=name,
        given_split="",
        image_sha256=image.sha256,
        mask_sha256=annotation.mask_sha256,
        pixels=_pixels(read_mask(storage.fetch(storage.annotation_path(annotation.mask_sha256)))),
        look=_look(rgb),
        groups=groups,
    )


def _store_mask(mask: npt.NDArray[np.uint8]) -> str:
    content = mask_png(mask)
    mask_sha256 = hashlib.sha256(content).hexdigest()
    with transaction.atomic():
        hold_content([mask_sha256])
        if not storage.exists(storage.annotation_path(mask_sha256), fresh=True):
            storage.write(storage.annotation_path(mask_sha256), content)
    return mask_sha256


def _pixels(mask: npt.NDArray[np.uint8]) -> dict[int, int]:
    counts = np.bincount(mask.ravel(), minlength=256)[:IGNORE_INDEX]
    return {int(index): int(counts[index]) for index in np.flatnonzero(counts)}


def _look(rgb: npt.NDArray[np.uint8]) -> str:
    return base64.b64encode(signature(rgb).astype(np.float16).tobytes()).decode("ascii")
