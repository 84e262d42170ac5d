"""The folder form of a labelled data set.

    images/NAME.jpg|png…   the pictures
    masks/NAME.png         label index per pixel, 255 = ignored, same size as the picture
    classes.json           {"0": "background", "1": "crack", …}
    splits.json            {"train": [NAME, …], "val": […], "test": […]}, optional
    labels.json            [{"index", "name", "color", "is_defect"}, …], optional: colours and defect flags

A NAME may carry its picture's ending or leave it out; either is understood wherever a name is taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from segmentation.datasets.errors import DatasetError
from segmentation.datasets.labels import read_json, read_labels
from segmentation.datasets.reader import LabelledDataset, Mask, picture_files, refuse_shared_names, without_ending
from segmentation.masks import read_mask
from segmentation.pictures import PictureError
from segmentation.spec import IGNORE_INDEX


class FolderDataset(LabelledDataset):
    """Reads the folder form. Masks are checked when they are read, everything else when the set is opened."""

    format = "folder"

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        for folder in ("images", "masks"):
            if not (self.path / folder).is_dir():
                raise DatasetError(f"{self.path}: expected a folder {folder!r} in the data set, there is none")
        self.labels = read_labels(self.path)
        self._pictures = picture_files(self.path / "images")
        if not self._pictures:
            raise DatasetError(f"{self.path / 'images'}: expected pictures, found none")
        missing = [name for name in self._pictures if not self._mask_file(name).is_file()]
        if missing:
            raise DatasetError(
                f"{self._mask_file(missing[0])}: expected a mask for every picture, {len(missing)} of"
                f" {len(self._pictures)} have none"
            )
        self._values = frozenset(label.index for label in self.labels)

    def all_names(self) -> tuple[str, ...]:
        return tuple(self._pictures)

    @cached_property
    def given_splits(self) -> Mapping[str, tuple[str, ...]] | None:  # type: ignore[override]
        """From splits.json."""
        source = self.path / "splits.json"
        if not source.exists():
            return None
        listed = read_json(source)
        if not isinstance(listed, dict) or not all(isinstance(names, list) for names in listed.values()):
            raise DatasetError(f'{source}: expected {{"train": [names], "val": [names], "test": [names]}}')
        splits = {split: tuple(self._listed(source, name) for name in names) for split, names in listed.items()}
        refuse_shared_names(source, splits)
        return splits

    def image_path(self, name: str) -> Path:
        return self._pictures[self._known(name)]

    def mask_path(self, name: str) -> Path:
        return self._mask_file(self._known(name))

    def mask_source(self, name: str) -> Path:
        return self.mask_path(name)

    def read_mask(self, name: str) -> Mask:
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

    def _mask_file(self, name: str) -> Path:
        return self.path / "masks" / f"{name}.png"

    def _known(self, name: str) -> str:
        if name in self._pictures:
            return name
        short = without_ending(name)
        if short in self._pictures:
            return short
        raise DatasetError(f"{self.path / 'images'}: expected a picture named {name!r}, there is none")

    def _listed(self, source: Path, name: Any) -> str:
        try:
            return self._known(str(name))
        except DatasetError as error:
            raise DatasetError(f"{source}: lists {name!r}, but {error}") from error
