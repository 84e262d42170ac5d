"""MS COCO: instances (polygons, run lengths, crowds) and panoptic PNGs, one JSON file per split.

Label indices: categories by ascending id become 1, 2, 3 … and 0 is "background" (what no instance covers); in the
panoptic form they become 0, 1, 2 … and what no segment covers is 255. A category that is itself called
"background" is that label 0; one called "ignore" or "void" is 255. Smaller instances lie on larger ones, all on
crowds. Lin et al., "Microsoft COCO: Common Objects in Context", 2014; Kirillov et al., "Panoptic Segmentation", 2019.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from segmentation.datasets.coco_files import CocoFile, Placed, split_of
from segmentation.datasets.coco_shapes import instance_mask, panoptic_mask
from segmentation.datasets.errors import DatasetError
from segmentation.datasets.labels import guessed_labels, is_clean, read_label_details
from segmentation.datasets.reader import LabelledDataset, Mask
from segmentation.spec import IGNORE_INDEX, MAX_LABELS, LabelSpec

BACKGROUND = "background"
IGNORED_NAMES = frozenset({"ignore", "ignored", "void"})


class CocoDataset(LabelledDataset):
    """Reads a folder with COCO JSON files. The JSON is kept in memory, pictures and masks are made when asked for."""

    def __init__(self, path: str | Path, files: tuple[Path, ...]) -> None:
        self.path = Path(path)
        self._files = [CocoFile(file, self.path) for file in files]
        self.is_panoptic = any(file.is_panoptic for file in self._files)
        if self.is_panoptic and not all(file.is_panoptic for file in self._files):
            raise DatasetError(f"{self.path}: expected instances or panoptic annotations, found both")
        self.format = "coco-panoptic" if self.is_panoptic else "coco"  # type: ignore[misc]
        names = _category_names(self._files)
        self.labels, self._indices = _labels(self.path, names, has_background=not self.is_panoptic)
        self._places: dict[str, tuple[CocoFile, Placed]] = {}
        self._split_names: dict[str, list[str]] = {}
        for file in self._files:
            self._add(file)
        if not self._places:
            raise DatasetError(f"{files[0]}: expected pictures with annotations, found none")
        lost = sum(file.lost_count for file in self._files)
        self.notes = (f"{lost} listed pictures are not in the data set and were left out.",) if lost else ()

    def all_names(self) -> tuple[str, ...]:
        return tuple(self._places)

    @cached_property
    def given_splits(self) -> Mapping[str, tuple[str, ...]] | None:  # type: ignore[override]
        """By the JSON files' names or folders; None where there is a single file that names no split."""
        if set(self._split_names) <= {""}:
            return None
        return {split: tuple(names) for split, names in self._split_names.items()}

    def image_path(self, name: str) -> Path:
        return self._place(name)[1].picture

    def mask_source(self, name: str) -> Path:
        file, placed = self._place(name)
        return placed.segments or file.path

    def read_mask(self, name: str) -> Mask:
        file, placed = self._place(name)
        if self.is_panoptic:
            return panoptic_mask(file.path, placed, self._indices)
        return instance_mask(file.path, placed, self._indices)

    def _add(self, file: CocoFile) -> None:
        split = split_of(file.path, self.path)
        if split is None and len(self._files) > 1:
            raise DatasetError(
                f"{file.path}: expected “train”, “val” or “test” in the name of each of several annotation files"
            )
        if split in self._split_names:
            raise DatasetError(f"{file.path}: is a second annotation file of the split {split!r}; expected one")
        names = self._split_names.setdefault(split or "", [])
        for placed in file.placed:
            name = placed.name if placed.name not in self._places else f"{split}/{placed.name}"
            if name in self._places:
                raise DatasetError(f"{file.path}: lists two pictures named {placed.name!r}; expected each once")
            self._places[name] = (file, placed)
            names.append(name)

    def _place(self, name: str) -> tuple[CocoFile, Placed]:
        if name not in self._places:
            raise DatasetError(f"{self.path}: expected a picture named {name!r}, there is none")
        return self._places[name]


def _category_names(files: list[CocoFile]) -> dict[int, str]:
    names: dict[int, str] = {}
    for file in files:
        for category, name in file.categories.items():
            if names.setdefault(category, name) != name:
                raise DatasetError(
                    f"{file.path}: category {category} is {name!r}, in {files[0].path.name} it is {names[category]!r};"
                    " expected one list of categories"
                )
    return names


def _labels(
    path: Path, names: Mapping[int, str], *, has_background: bool
) -> tuple[tuple[LabelSpec, ...], dict[int, int]]:
    """Labels by index, and the index of each category id."""
    ignored = {category: IGNORE_INDEX for category, name in names.items() if name.lower() in IGNORED_NAMES}
    names = {category: name for category, name in names.items() if category not in ignored}
    details = {label.name: label for label in read_label_details(path)}
    if details and set(names.values()) <= set(details):
        labels = tuple(details.values())
        return labels, {category: details[name].index for category, name in names.items()} | ignored
    by_name: dict[str, int] = {}
    if has_background:
        by_name[next((name for _, name in sorted(names.items()) if is_clean(name)), BACKGROUND)] = 0
    for _, name in sorted(names.items()):
        by_name.setdefault(name, len(by_name))
    if len(by_name) > MAX_LABELS:
        raise DatasetError(f"{path}: expected at most {MAX_LABELS} labels, found {len(by_name)} categories")
    labels = guessed_labels({index: name for name, index in by_name.items()})
    return labels, {category: by_name[name] for category, name in names.items()} | ignored
