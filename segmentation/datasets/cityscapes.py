"""Cityscapes, fine labels.

    leftImg8bit/SPLIT/CITY/CITY_SEQUENCE_FRAME_leftImg8bit.png
    gtFine/SPLIT/CITY/CITY_SEQUENCE_FRAME_gtFine_labelIds.png      taken where it is there, else
    gtFine/SPLIT/CITY/CITY_SEQUENCE_FRAME_gtFine_polygons.json     drawn in its order

`classes`: 19, the evaluated classes by their training indices, or 30, all classes of the paper. A labels.json beside
the folders (as our own writer makes) replaces both: its indices are then the ids of the PNGs.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from segmentation.datasets.cityscapes_labels import ALL_LABELS, labels_of
from segmentation.datasets.errors import DatasetError
from segmentation.datasets.labels import read_json, read_label_details
from segmentation.datasets.reader import LabelledDataset, Mask, picture_files
from segmentation.datasets.splits import SPLITS
from segmentation.masks import read_mask
from segmentation.pictures import PictureError
from segmentation.spec import IGNORE_INDEX

IMAGES, TRUTH = "leftImg8bit", "gtFine"
PICTURE_END, IDS_END, POLYGONS_END = "_leftImg8bit", "_gtFine_labelIds.png", "_gtFine_polygons.json"
OWN_CITY = "pictures"
"""The city folder that our writer puts pictures in whose names have no folder."""
_MOST_PIXELS = 400_000_000
_FARTHEST_PX = 1_000_000


class CityscapesDataset(LabelledDataset):
    """Reads the Cityscapes form; every mask is checked when it is read."""

    format = "cityscapes"

    def __init__(self, path: str | Path, classes: int = 19) -> None:
        self.path = Path(path)
        for folder in (IMAGES, TRUTH):
            if not (self.path / folder).is_dir():
                raise DatasetError(f"{self.path}: expected a folder {folder!r} of Cityscapes, there is none")
        own = read_label_details(self.path)
        self.labels, self._ids = (own, {label.index: label.index for label in own}) if own else labels_of(classes)
        self._ids_by_name = {label.name: label.index for label in own} or {label.name: label.id for label in ALL_LABELS}
        self._pictures: dict[str, Path] = {}
        self._truths: dict[str, Path] = {}
        splits = {split: self._found(split) for split in SPLITS}
        if not self._pictures:
            raise DatasetError(
                f"{self.path / IMAGES}: expected train/CITY/NAME{PICTURE_END}.png and the like, found none"
            )
        self.notes = ()
        if splits["test"] and not own and not self._is_judged(splits["test"][0]):
            for name in splits.pop("test"):
                del self._pictures[name], self._truths[name]
            self.notes = ("The test pictures of Cityscapes come without truth and were left out.",)
        self.given_splits: Mapping[str, tuple[str, ...]] | None = splits

    def all_names(self) -> tuple[str, ...]:
        return tuple(self._pictures)

    def image_path(self, name: str) -> Path:
        return self._file(self._pictures, name)

    def mask_source(self, name: str) -> Path:
        return self._file(self._truths, name)

    def read_mask(self, name: str) -> Mask:
        path = self.mask_source(name)
        return self._drawn(path) if path.suffix == ".json" else self._from_ids(path)

    def _found(self, split: str) -> tuple[str, ...]:
        names = []
        for inner, picture in picture_files(self.path / IMAGES / split).items():
            if not inner.endswith(PICTURE_END):
                continue
            stem = inner.removesuffix(PICTURE_END)
            candidates = [self.path / TRUTH / split / f"{stem}{end}" for end in (IDS_END, POLYGONS_END)]
            truth = next((file for file in candidates if file.is_file()), None)
            if truth is None:
                raise DatasetError(f"{candidates[0]}: expected the truth of {picture.name} here or as polygons.json")
            city, _, rest = stem.rpartition("/")
            name = rest if city == OWN_CITY or rest.startswith(f"{city}_") else stem
            if name in self._pictures:
                raise DatasetError(f"{picture}: a picture named {name!r} is in another folder too; expected it once")
            self._pictures[name], self._truths[name] = picture, truth
            names.append(name)
        return tuple(names)

    def _is_judged(self, name: str) -> bool:
        return bool((self.read_mask(name) != IGNORE_INDEX).any())

    def _file(self, files: Mapping[str, Path], name: str) -> Path:
        if name not in files:
            raise DatasetError(f"{self.path / IMAGES}: expected a picture named {name!r}, there is none")
        return files[name]

    def _from_ids(self, path: Path) -> Mask:
        try:
            ids = read_mask(path)
        except PictureError as error:
            raise DatasetError(f"{path} {error}") from error
        # 255 is how 8 bits hold the id -1 of licence plates.
        table = np.full(256, IGNORE_INDEX, np.uint8)
        table[list(self._ids)] = list(self._ids.values())
        known = np.zeros(256, bool)
        known[[*self._ids, IGNORE_INDEX]] = True
        unknown = np.flatnonzero(np.bincount(ids.ravel(), minlength=256) * ~known)
        if unknown.size:
            raise DatasetError(f"{path}: holds the id {unknown[0]}, expected 0 to {max(self._ids)} or 255")
        return table[ids]

    def _drawn(self, path: Path) -> Mask:
        """As createLabelImg.py of cityscapesScripts draws it: in the file's order, unlabelled where nothing is."""
        content = read_json(path)
        try:
            size, objects = (int(content["imgWidth"]), int(content["imgHeight"])), list(content["objects"])
        except (TypeError, KeyError, ValueError, OverflowError) as error:
            raise DatasetError(f'{path}: expected {{"imgWidth", "imgHeight", "objects"}}: {error!r}') from error
        if min(size) < 1 or size[0] * size[1] > _MOST_PIXELS:
            raise DatasetError(f"{path}: expected the size of a picture, found {size[0]}×{size[1]}")
        image = Image.new("L", size, IGNORE_INDEX)
        pen = ImageDraw.Draw(image)
        for place, drawn in enumerate(objects):
            try:
                if drawn.get("deleted"):
                    continue
                name, corners = str(drawn["label"]), [(float(x), float(y)) for x, y in drawn["polygon"]]
                if any(abs(number) > _FARTHEST_PX for corner in corners for number in corner):
                    raise ValueError("a corner lies far outside every picture")
            except (TypeError, KeyError, ValueError, AttributeError, OverflowError) as error:
                raise DatasetError(f'{path}: objects[{place}]: expected {{"label", "polygon"}}: {error!r}') from error
            id_ = self._id_of(path, place, name)
            if id_ is not None and len(corners) > 1:
                pen.polygon(corners, fill=self._ids.get(id_, IGNORE_INDEX))
        return np.asarray(image).copy()

    def _id_of(self, path: Path, place: int, name: str) -> int | None:
        """None for what is left out: licence plates keep the car below them."""
        if name == "license plate":
            return None
        single = name.removesuffix("group") if name not in self._ids_by_name else name
        if single not in self._ids_by_name:
            raise DatasetError(f"{path}: objects[{place}] is labelled {name!r}, which is no label of Cityscapes")
        return self._ids_by_name[single]
