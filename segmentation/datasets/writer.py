"""Writing labelled data, one picture at a time: what all formats have in common, and the folder form."""

from __future__ import annotations

import io
import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Self

import numpy as np
import numpy.typing as npt
from PIL import Image

from segmentation.datasets.errors import DatasetError
from segmentation.datasets.labels import write_label_details, write_labels
from segmentation.datasets.splits import SPLITS
from segmentation.masks import mask_png
from segmentation.spec import IGNORE_INDEX, LabelSpec

Picture = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.uint8]
COMPLETE = "labels.json"


class DatasetWriter(ABC):
    """Adds pictures one at a time; `close` (or leaving the `with` block) writes the lists.

    DatasetError where the folder already holds a data set, a name is taken or unsafe, or a mask does not fit.
    `labels` are those written: but for the folder form their indices become 0, 1, 2 … in order.
    """

    keeps_indices = False

    def __init__(self, path: str | Path, labels: Sequence[LabelSpec]) -> None:
        self.path = Path(path)
        if (self.path / COMPLETE).exists():
            raise DatasetError(f"{self.path}: expected an empty folder, there is a data set in it already")
        self._values = frozenset(label.index for label in labels) | {IGNORE_INDEX}
        self._table = np.arange(256, dtype=np.uint8)
        if not self.keeps_indices:
            self._table[[label.index for label in labels]] = range(len(labels))
            labels = [replace(label, index=index) for index, label in enumerate(labels)]
        self.labels = tuple(labels)
        self._splits: dict[str, list[str]] = {split: [] for split in SPLITS}
        self._names: set[str] = set()
        self.path.mkdir(parents=True, exist_ok=True)
        write_label_details(self.path, self.labels)

    def add(self, name: str, picture: Picture | bytes, mask: Mask, *, split: str, ending: str = ".png") -> None:
        """`picture`: rgb uint8 (H, W, 3), stored as PNG, or a file's bytes, stored as they are; `mask` uint8 (H, W)."""
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
        if not isinstance(picture, bytes):
            if picture.shape[:2] != mask.shape:
                raise DatasetError(f"{name}: picture {picture.shape[:2]} and mask {mask.shape} differ in size")
            picture, ending = png_bytes(picture), ".png"
        self._write(name, picture, self._table[mask], split, ending)
        self._names.add(name)
        self._splits[split].append(name)

    @abstractmethod
    def _write(self, name: str, picture: bytes, mask: Mask, split: str, ending: str) -> None:
        """Write one checked picture."""

    @abstractmethod
    def close(self) -> None:
        """Write the lists."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class FolderWriter(DatasetWriter):
    """Writes the folder form; label indices stay."""

    keeps_indices = True

    def __init__(self, path: str | Path, labels: Sequence[LabelSpec]) -> None:
        super().__init__(path, labels)
        write_labels(self.path, labels)

    def _write(self, name: str, picture: bytes, mask: Mask, split: str, ending: str) -> None:
        write_file(self.path / "images" / f"{name}{ending}", picture)
        write_file(self.path / "masks" / f"{name}.png", mask_png(mask))

    def close(self) -> None:
        (self.path / "splits.json").write_text(json.dumps(self._splits, indent=1, ensure_ascii=False), "utf-8")


def write_file(path: Path, content: bytes) -> None:
    """Write a file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def png_bytes(picture: npt.NDArray[np.uint8]) -> bytes:
    """PNG of a picture uint8 (H, W, 3) or (H, W)."""
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "PNG", compress_level=1)
    return stream.getvalue()
