"""The folder form of a labelled data set.

    images/NAME.jpg|png…   the pictures
    masks/NAME.png         label index per pixel, 255 = ignored, same size as the picture
    classes.json           {"0": "background", "1": "crack", …}
    splits.json            {"train": [NAME, …], "val": […], "test": […]}, optional
    labels.json            [{"index", "name", "color", "is_defect"}, …], optional: colours and defect flags

A NAME may carry its picture's ending or leave it out; either is understood wherever a name is taken.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from segmentation.datasets.errors import DatasetError
from segmentation.datasets.labels import read_json, read_labels
from segmentation.datasets.splits import SPLITS, split_folder
from segmentation.masks import read_mask
from segmentation.pairs import Pair
from segmentation.pictures import PictureError, read_rgb
from segmentation.spec import IGNORE_INDEX, LabelSpec

PICTURE_ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".heic", ".avif")


class FolderDataset:
    """Reads the folder form. Masks are checked when they are read, everything else when the set is opened."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        for folder in ("images", "masks"):
            if not (self.path / folder).is_dir():
                raise DatasetError(f"{self.path}: expected a folder {folder!r} in the data set, there is none")
        self.labels: tuple[LabelSpec, ...] = read_labels(self.path)
        self._pictures = _pictures_by_name(self.path / "images")
        if not self._pictures:
            raise DatasetError(f"{self.path / 'images'}: expected pictures, found none")
        missing = [name for name in self._pictures if not self._mask_file(name).is_file()]
        if missing:
            raise DatasetError(
                f"{self._mask_file(missing[0])}: expected a mask for every picture, {len(missing)} of"
                f" {len(self._pictures)} have none"
            )
        self._values = frozenset(label.index for label in self.labels)

    def names(self, split: str | None = None) -> tuple[str, ...]:
        """Names (without ending) of one split, "train", "val" or "test", or of all pictures."""
        if split is None:
            return tuple(self._pictures)
        if split not in self.splits:
            raise DatasetError(f"{self.path}: expected a split among {', '.join(self.splits)}, got {split!r}")
        return self.splits[split]

    @cached_property
    def splits(self) -> Mapping[str, tuple[str, ...]]:
        """From splits.json; where there is none, split by likeness and labels (`splits.split_folder`)."""
        source = self.path / "splits.json"
        if not source.exists():
            return split_folder(self)
        listed = read_json(source)
        if not isinstance(listed, dict) or not all(isinstance(names, list) for names in listed.values()):
            raise DatasetError(f'{source}: expected {{"train": [names], "val": [names], "test": [names]}}')
        splits = {split: tuple(self._listed(source, name) for name in names) for split, names in listed.items()}
        _refuse_shared_names(source, splits)
        return {split: splits.get(split, ()) for split in (*SPLITS, *splits)}

    def image_path(self, name: str) -> Path:
        return self._pictures[self._known(name)]

    def mask_path(self, name: str) -> Path:
        return self._mask_file(self._known(name))

    def read(self, name: str) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
        """rgb uint8 (H, W, 3) and mask uint8 (H, W). DatasetError names the file at fault."""
        image_path, mask_path = self.image_path(name), self.mask_path(name)
        try:
            rgb = read_rgb(image_path)
        except PictureError as error:
            raise DatasetError(f"{image_path} {error}") from error
        mask = self.read_mask(name)
        if mask.shape != rgb.shape[:2]:
            raise DatasetError(
                f"{mask_path}: expected {rgb.shape[1]}×{rgb.shape[0]} pixels as its picture has,"
                f" found {mask.shape[1]}×{mask.shape[0]}"
            )
        return rgb, mask

    def read_mask(self, name: str) -> npt.NDArray[np.uint8]:
        """The mask alone, its values checked against classes.json."""
        path = self.mask_path(name)
        try:
            mask = read_mask(path)
        except PictureError as error:
            raise DatasetError(f"{path} {error}") from error
        present = np.flatnonzero(np.bincount(mask.ravel(), minlength=IGNORE_INDEX + 1)).tolist()
        unknown = [value for value in present if value not in self._values and value != IGNORE_INDEX]
        if unknown:
            raise DatasetError(
                f"{path}: holds the value {unknown[0]}, expected one of classes.json"
                f" ({', '.join(str(value) for value in sorted(self._values))}) or {IGNORE_INDEX} for ignored"
            )
        return mask

    def pairs(self, split: str | None = None, label_map: npt.NDArray[np.uint8] | None = None) -> list[Pair]:
        """For training or evaluation; `label_map` uint8 (256,) turns this set's indices into a model's."""

        def pair(name: str) -> Pair:
            def read() -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
                rgb, mask = self.read(name)
                return rgb, mask if label_map is None else label_map[mask]

            return Pair(name=name, read=read)

        return [pair(name) for name in self.names(split)]

    def checksum(self) -> str:
        """SHA-256 over labels, splits and every file's name and content: equal sets have equal sums."""
        digest = hashlib.sha256()
        described = {
            "labels": [[label.index, label.name] for label in self.labels],
            "splits": {split: sorted(names) for split, names in self.splits.items()},
        }
        digest.update(json.dumps(described, sort_keys=True).encode())
        for name in sorted(self._pictures):
            for path in (self.image_path(name), self.mask_path(name)):
                digest.update(f"{path.relative_to(self.path).as_posix()}\0".encode())
                digest.update(hashlib.sha256(path.read_bytes()).digest())
        return digest.hexdigest()

    def _mask_file(self, name: str) -> Path:
        return self.path / "masks" / f"{name}.png"

    def _known(self, name: str) -> str:
        if name in self._pictures:
            return name
        short = _without_ending(name)
        if short in self._pictures:
            return short
        raise DatasetError(f"{self.path / 'images'}: expected a picture named {name!r}, there is none")

    def _listed(self, source: Path, name: Any) -> str:
        try:
            return self._known(str(name))
        except DatasetError as error:
            raise DatasetError(f"{source}: lists {name!r}, but {error}") from error


def _pictures_by_name(folder: Path) -> dict[str, Path]:
    pictures: dict[str, Path] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in PICTURE_ENDINGS or not path.is_file():
            continue
        name = path.relative_to(folder).with_suffix("").as_posix()
        if name in pictures:
            raise DatasetError(f"{path}: expected one picture named {name!r}, {pictures[name].name} is another")
        pictures[name] = path
    return pictures


def _without_ending(name: str) -> str:
    for ending in PICTURE_ENDINGS:
        if name.lower().endswith(ending):
            return name[: -len(ending)]
    return name


def _refuse_shared_names(source: Path, splits: Mapping[str, tuple[str, ...]]) -> None:
    seen: dict[str, str] = {}
    for split, names in splits.items():
        for name in names:
            if name in seen:
                raise DatasetError(
                    f"{source}: {name!r} is in {seen[name]!r} and in {split!r}; expected it once,"
                    " or scores would be prettier than the truth"
                )
            seen[name] = split
