"""Writes the folder form of a labelled data set."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt
from PIL import Image

from segmentation.datasets.errors import DatasetError
from segmentation.datasets.labels import write_labels
from segmentation.datasets.splits import SPLITS
from segmentation.masks import mask_png
from segmentation.spec import IGNORE_INDEX, LabelSpec


class FolderWriter:
    """Adds pictures one at a time; `close` (or leaving the `with` block) writes splits.json.

    DatasetError where the folder already holds a data set, a name is taken or unsafe, or a mask does not fit.
    """

    def __init__(self, path: str | Path, labels: Sequence[LabelSpec]) -> None:
        self.path = Path(path)
        if (self.path / "classes.json").exists():
            raise DatasetError(f"{self.path}: expected an empty folder, there is a data set in it already")
        self._values = frozenset(label.index for label in labels) | {IGNORE_INDEX}
        self._splits: dict[str, list[str]] = {split: [] for split in SPLITS}
        self._names: set[str] = set()
        write_labels(self.path, labels)

    def add(
        self,
        name: str,
        picture: npt.NDArray[np.uint8] | bytes,
        mask: npt.NDArray[np.uint8],
        *,
        split: str,
        ending: str = ".png",
    ) -> None:
        """`picture`: rgb uint8 (H, W, 3), stored as PNG, or a file's bytes, stored as they are."""
        parts = PurePosixPath(name).parts
        if not name or name.startswith("/") or "\\" in name or ".." in parts:
            raise DatasetError(f"{name!r}: expected a name without leading / and without .. or \\")
        if name in self._names:
            raise DatasetError(f"{name!r}: expected each name once, it was added before")
        if split not in self._splits:
            raise DatasetError(f"{name}: expected a split among {', '.join(SPLITS)}, got {split!r}")
        unknown = sorted(set(np.unique(mask).tolist()) - self._values)
        if unknown:
            raise DatasetError(f"{name}: the mask holds {unknown[0]}, which is no label of this data set")
        ending = ending if isinstance(picture, bytes) else ".png"
        image_path = self.path / "images" / f"{name}{ending}"
        mask_path = self.path / "masks" / f"{name}.png"
        for path in (image_path, mask_path):
            path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(picture, bytes):
            image_path.write_bytes(picture)
        else:
            if picture.shape[:2] != mask.shape:
                raise DatasetError(f"{name}: picture {picture.shape[:2]} and mask {mask.shape} differ in size")
            Image.fromarray(picture).save(image_path, compress_level=1)
        mask_path.write_bytes(mask_png(mask))
        self._names.add(name)
        self._splits[split].append(name)

    def close(self) -> None:
        (self.path / "splits.json").write_text(json.dumps(self._splits, indent=1, ensure_ascii=False), "utf-8")

    def __enter__(self) -> FolderWriter:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
