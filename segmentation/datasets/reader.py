"""What every format of labelled data offers, whatever lies on the disk."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from segmentation.datasets.errors import DatasetError
from segmentation.datasets.splits import SPLITS, split_by_likeness
from segmentation.pairs import Pair
from segmentation.pictures import PictureError, read_rgb
from segmentation.spec import LabelSpec

Picture = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.uint8]
PICTURE_ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".heic", ".avif")
LONGEST_NAME_BYTES = 255
"""Of a file or a folder, as file systems allow."""


class LabelledDataset(ABC):
    """Pictures with masks, read one at a time.

    `labels` by index (indices may have gaps); `given_splits` is what the files themselves say, None where they
    say nothing; `notes` are plain sentences about what was left out.
    """

    format: ClassVar[str]
    path: Path
    labels: tuple[LabelSpec, ...]
    given_splits: Mapping[str, tuple[str, ...]] | None
    notes: tuple[str, ...] = ()

    @abstractmethod
    def all_names(self) -> tuple[str, ...]:
        """Every picture that has a mask."""

    @abstractmethod
    def image_path(self, name: str) -> Path:
        """The picture's file."""

    @abstractmethod
    def read_mask(self, name: str) -> Mask:
        """uint8 (H, W) of this set's label indices, 255 = ignored. DatasetError names the file at fault."""

    @cached_property
    def splits(self) -> Mapping[str, tuple[str, ...]]:
        """Names of "train", "val" and "test": as given, else split by likeness and labels."""
        given = self.given_splits
        if given is None:
            return split_by_likeness(self)
        return {split: given.get(split, ()) for split in (*SPLITS, *given)}

    def names(self, split: str | None = None) -> tuple[str, ...]:
        """Names (without ending) of one split, or of all pictures."""
        if split is None:
            return self.all_names()
        if split not in self.splits:
            raise DatasetError(f"{self.path}: expected a split among {', '.join(self.splits)}, got {split!r}")
        return self.splits[split]

    def read(self, name: str) -> tuple[Picture, Mask]:
        """rgb uint8 (H, W, 3) and mask uint8 (H, W). DatasetError names the file at fault."""
        image_path = self.image_path(name)
        try:
            rgb = read_rgb(image_path)
        except PictureError as error:
            raise DatasetError(f"{image_path} {error}") from error
        mask = self.read_mask(name)
        if mask.shape != rgb.shape[:2]:
            raise DatasetError(
                f"{self.mask_source(name)}: expected {rgb.shape[1]}×{rgb.shape[0]} pixels as its picture has,"
                f" found {mask.shape[1]}×{mask.shape[0]}"
            )
        return rgb, mask

    def mask_source(self, name: str) -> Path:
        """The file that the mask comes from, for messages."""
        return self.image_path(name)

    def pairs(self, split: str | None = None, label_map: npt.NDArray[np.uint8] | None = None) -> list[Pair]:
        """For training or evaluation; `label_map` uint8 (256,) turns this set's indices into a model's.

        Pictures of the test split are marked as held out: `train` refuses them, evaluation reads them.
        """
        held_out = frozenset(self.names("test")) if split in (None, "test") else frozenset()

        def pair(name: str) -> Pair:
            def read() -> tuple[Picture, Mask]:
                rgb, mask = self.read(name)
                return rgb, mask if label_map is None else label_map[mask]

            return Pair(name=name, read=read, is_held_out=name in held_out)

        return [pair(name) for name in self.names(split)]

    def checksum(self) -> str:
        """SHA-256 over labels, splits and every picture's name, file and mask: equal sets have equal sums."""
        digest = hashlib.sha256()
        described = {
            "labels": [[label.index, label.name] for label in self.labels],
            "splits": {split: sorted(names) for split, names in self.splits.items()},
        }
        digest.update(json.dumps(described, sort_keys=True).encode())
        for name in sorted(self.all_names()):
            mask = self.read_mask(name)
            digest.update(f"{name}\0{mask.shape}\0".encode())
            digest.update(hashlib.sha256(self.image_path(name).read_bytes()).digest())
            digest.update(hashlib.sha256(mask.tobytes()).digest())
        return digest.hexdigest()


def without_ending(name: str) -> str:
    """A picture's name without .jpg, .png and the like."""
    for ending in PICTURE_ENDINGS:
        if name.lower().endswith(ending):
            return name[: -len(ending)]
    return name


def picture_files(folder: Path) -> dict[str, Path]:
    """Every picture below a folder, by its name without ending, sub-folders kept."""
    pictures: dict[str, Path] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in PICTURE_ENDINGS or not path.is_file():
            continue
        name = path.relative_to(folder).with_suffix("").as_posix()
        if name in pictures:
            raise DatasetError(f"{path}: expected one picture named {name!r}, {pictures[name].name} is another")
        pictures[name] = path
    return pictures


def inner_path(name: object, place: str) -> PurePosixPath:
    """A file name that a data set's own file gives, refused where it would lead out of the data set."""
    text = str(name).replace("\\", "/")
    path = PurePosixPath(text)
    is_short = all(len(part.encode(errors="replace")) <= LONGEST_NAME_BYTES for part in path.parts)
    if not text or path.is_absolute() or ".." in path.parts or text[1:2] == ":" or "\0" in text or not is_short:
        raise DatasetError(f"{place}: expected a file name inside the data set, found {str(name)[:80]!r}")
    return path


def refuse_shared_names(place: Path, splits: Mapping[str, Sequence[str]]) -> None:
    """DatasetError where a picture stands in two splits."""
    seen: dict[str, str] = {}
    for split, names in splits.items():
        for name in names:
            if name in seen:
                raise DatasetError(
                    f"{place}: {name!r} is in {seen[name]!r} and in {split!r}; expected it once,"
                    " or scores would be prettier than the truth"
                )
            seen[name] = split
