"""PASCAL VOC segmentation, as the challenge laid it out and as annotation programs export it.

    JPEGImages/NAME.jpg|png
    SegmentationClass/NAME.png             palette PNG of indices (or the palette's colours), 255 = not judged
    ImageSets/Segmentation/train.txt …     one NAME a line; val.txt and test.txt likewise
    labelmap.txt                           "name:r,g,b::" a line, optional: labels in order, from index 0

Without labelmap.txt the labels are the challenge's 21. Everingham et al., "The Pascal Visual Object Classes
(VOC) Challenge", 2010.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from segmentation.datasets.errors import DatasetError
from segmentation.datasets.labels import guessed_labels, read_label_details
from segmentation.datasets.reader import (
    LabelledDataset,
    Mask,
    inner_path,
    picture_files,
    refuse_shared_names,
    without_ending,
)
from segmentation.datasets.splits import SPLITS
from segmentation.pictures import PictureError, opened_picture
from segmentation.spec import IGNORE_INDEX, LabelSpec

LABELS = (
    *("background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow"),
    *("diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor"),
)
IMAGES, MASKS, LISTS, LABEL_MAP = "JPEGImages", "SegmentationClass", "ImageSets/Segmentation", "labelmap.txt"
_LABEL_LINE = re.compile(r"(?P<name>[^:#]+):(?P<r>\d{1,3}),(?P<g>\d{1,3}),(?P<b>\d{1,3}):[^:]*:[^:]*")


class VocDataset(LabelledDataset):
    """Reads the VOC form. The lists and labels are checked when the set is opened, a mask when it is read."""

    format = "voc"

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        for folder in (IMAGES, MASKS):
            if not (self.path / folder).is_dir():
                raise DatasetError(f"{self.path}: expected a folder {folder!r} of a VOC data set, there is none")
        self._images, self._masks = picture_files(self.path / IMAGES), picture_files(self.path / MASKS)
        self.labels, self._colors = _labels(self.path)
        self._values = np.zeros(256, bool)
        self._values[[*(label.index for label in self.labels), IGNORE_INDEX]] = True
        lonely = [name for name in self._masks if name not in self._images]
        if lonely:
            raise DatasetError(f"{self._masks[lonely[0]]}: expected its picture in {IMAGES}, there is none")
        if not self._masks:
            raise DatasetError(f"{self.path / MASKS}: expected masks, found none")
        self.notes = self._left_out()

    def all_names(self) -> tuple[str, ...]:
        return tuple(self._masks)

    @cached_property
    def given_splits(self) -> Mapping[str, tuple[str, ...]] | None:  # type: ignore[override]
        """From train.txt, val.txt and test.txt. A test list whose masks were kept back counts as none."""
        lists = self.path / LISTS
        files = {split: lists / f"{split}.txt" for split in SPLITS if (lists / f"{split}.txt").is_file()}
        if self._test_is_secret():
            del files["test"]
        if not files:
            return None
        splits = {split: tuple(self._listed(file)) for split, file in files.items()}
        refuse_shared_names(lists, splits)
        return splits

    def image_path(self, name: str) -> Path:
        return self._images[self._known(name)]

    def mask_source(self, name: str) -> Path:
        return self._masks[self._known(name)]

    def read_mask(self, name: str) -> Mask:
        path = self.mask_source(name)
        try:
            with opened_picture(path) as image:
                palette = _palette(image)
                is_colors = image.mode not in ("P", "L", "1")
                values = np.asarray(image.convert("RGB") if is_colors else image).astype(np.uint8)
        except PictureError as error:
            raise DatasetError(f"{path} {error}") from error
        if is_colors:
            mask = self._indices(path, values)
        elif palette is not None and all(int(color) in self._colors for color in palette[np.unique(values)]):
            # Some programs sort the palette: its colours are what was meant.
            mask = self._indices(path, values, palette)
        else:
            mask = values
        unknown = np.flatnonzero(np.bincount(mask.ravel(), minlength=256) * ~self._values)
        if unknown.size:
            raise DatasetError(
                f"{path}: holds the value {unknown[0]}, expected 0 to {self.labels[-1].index} or 255"
                f" (a data set with labels of its own names them in {LABEL_MAP})"
            )
        return mask

    def _indices(self, path: Path, values: npt.NDArray[np.uint8], palette: npt.NDArray[np.int64] | None = None) -> Mask:
        packed = _packed(values) if palette is None else palette[values]
        found, inverse = np.unique(packed, return_inverse=True)
        places = []
        for color in found.tolist():
            if color not in self._colors:
                row, column = np.argwhere(packed == color)[0].tolist()
                red, green, blue = color >> 16, color >> 8 & 255, color & 255
                raise DatasetError(
                    f"{path}: has the colour {red},{green},{blue} at x {column}, y {row}, which is no label's;"
                    f" expected a colour of {LABEL_MAP} or of the VOC palette"
                )
            places.append(self._colors[color])
        return np.asarray(places, np.uint8)[inverse].reshape(packed.shape)

    def _known(self, name: str) -> str:
        for candidate in (name, without_ending(name)):
            if candidate in self._masks:
                return candidate
        raise DatasetError(f"{self.path / MASKS}: expected a mask named {name!r}, there is none")

    def _listed(self, file: Path) -> list[str]:
        names = []
        for number, line in enumerate(_lines(file), start=1):
            if not line.strip():
                continue
            # Lists of single classes have a second column with 1, -1 or 0.
            name = inner_path(line.strip(), f"{file}, line {number}").as_posix()
            if name not in self._masks:
                name = without_ending(name)
            if name not in self._masks:
                raise DatasetError(f"{file}, line {number}: lists {line.strip()!r}, but {MASKS} has no such mask")
            names.append(name)
        return names

    def _test_is_secret(self) -> bool:
        file = self.path / LISTS / "test.txt"
        if not file.is_file():
            return False
        names = [line.strip() for line in _lines(file) if line.strip()]
        return bool(names) and not any(without_ending(name) in self._masks for name in names)

    def _left_out(self) -> tuple[str, ...]:
        if self._test_is_secret():
            return ("The list test.txt names only pictures without masks: it was left out.",)
        return ()


def color_map() -> npt.NDArray[np.uint8]:
    """uint8 (256, 3): the palette of the VOC development kit (VOClabelcolormap.m)."""
    colors = np.zeros((256, 3), np.uint8)
    for index in range(256):
        for bit in range(8):
            for channel in range(3):
                colors[index, channel] |= (index >> (3 * bit + channel) & 1) << (7 - bit)
    return colors


def _labels(path: Path) -> tuple[tuple[LabelSpec, ...], dict[int, int]]:
    """Labels by index, and the index of each packed colour."""
    source = path / LABEL_MAP
    palette = color_map()
    if not source.is_file():
        labels = guessed_labels(dict(enumerate(LABELS)), may_be_defects=False)
        colors = {int(_packed(palette[label.index])): label.index for label in labels}
        return labels, colors | {int(_packed(palette[IGNORE_INDEX])): IGNORE_INDEX}
    names: dict[int, str] = {}
    colors = {int(_packed(palette[IGNORE_INDEX])): IGNORE_INDEX}
    for number, line in enumerate(_lines(source), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        found = _LABEL_LINE.fullmatch(line.strip())
        if found is None or max(map(int, found.group("r", "g", "b"))) > 255 or len(names) >= IGNORE_INDEX:
            raise DatasetError(f"{source}, line {number}: expected “name:red,green,blue::”, found {line[:60]!r}")
        color = np.asarray([int(found[channel]) for channel in "rgb"], np.uint8)
        colors[int(_packed(color))] = len(names)
        names[len(names)] = found["name"].strip()
    if not names:
        raise DatasetError(f"{source}: expected a line “name:red,green,blue::” for each label, found none")
    details = {label.index: label for label in read_label_details(path)}
    if any(details[index].name != name for index, name in names.items() if index in details):
        details = {}
    return tuple(details.get(label.index) or label for label in guessed_labels(names)), colors


def _palette(image: Image.Image) -> npt.NDArray[np.int64] | None:
    """The packed colour of each index of a palette picture, -1 where the palette is shorter."""
    flat = image.getpalette("RGB") if image.mode == "P" else None
    if flat is None:
        return None
    colors = np.full(256, -1, np.int64)
    colors[: len(flat) // 3] = _packed(np.asarray(flat, np.uint8).reshape(-1, 3))
    return colors


def _packed(rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    wide = rgb.astype(np.int64)
    return (wide[..., 0] << 16) + (wide[..., 1] << 8) + wide[..., 2]


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path}: expected a text file: {error}") from error
