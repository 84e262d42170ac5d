"""Writers of the VOC, COCO and Cityscapes forms. Each adds a labels.json that keeps colours and defect flags."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from pycocotools import mask as coco

from segmentation.datasets.cityscapes import IDS_END, OWN_CITY, PICTURE_END, TRUTH
from segmentation.datasets.cityscapes import IMAGES as CITYSCAPES_IMAGES
from segmentation.datasets.labels import is_clean
from segmentation.datasets.splits import SPLITS
from segmentation.datasets.voc import IMAGES, LABEL_MAP, LISTS, MASKS
from segmentation.datasets.writer import DatasetWriter, Mask, png_bytes, write_file
from segmentation.masks import mask_png, palette_png
from segmentation.pictures import read_rgb
from segmentation.spec import IGNORE_INDEX, LabelSpec

IGNORED_CATEGORY = {"id": 1000, "name": "ignore", "supercategory": "none"}
"""Pixels that are not judged, which COCO has no word for; our reader takes the name for 255."""


class VocWriter(DatasetWriter):
    """Palette PNGs in the labels' colours, a list per split, and labelmap.txt."""

    def _write(self, name: str, picture: bytes, mask: Mask, split: str, ending: str) -> None:
        write_file(self.path / IMAGES / f"{name}{ending}", picture)
        write_file(self.path / MASKS / f"{name}.png", palette_png(mask, self.labels))

    def close(self) -> None:
        for split, names in self._splits.items():
            write_file(self.path / LISTS / f"{split}.txt", "".join(f"{name}\n" for name in names).encode())
        lines = [f"{label.name.replace(':', ' ')}:{','.join(map(str, label.rgb))}::\n" for label in self.labels]
        write_file(self.path / LABEL_MAP, "".join(["# label:color_rgb:parts:actions\n", *lines]).encode())


class CocoWriter(DatasetWriter):
    """Instances as compressed run lengths, one for each connected region (8-connected) of a label.

    A first label whose name says that nothing is there is left to the background and gets no category.
    """

    kind = "instances"

    def __init__(self, path: str | Path, labels: Sequence[LabelSpec]) -> None:
        super().__init__(path, labels)
        self._lists: dict[str, dict[str, list[Any]]] = {split: {"images": [], "annotations": []} for split in SPLITS}
        self._first = 1 if is_clean(self.labels[0].name) else 0
        self._has_ignored = False
        self._region_count = 0

    def _write(self, name: str, picture: bytes, mask: Mask, split: str, ending: str) -> None:
        write_file(self.path / "images" / f"{name}{ending}", picture)
        number = sum(len(lists["images"]) for lists in self._lists.values()) + 1
        height, width = mask.shape
        row = {"id": number, "file_name": f"{name}{ending}", "width": width, "height": height}
        self._lists[split]["images"].append(row)
        self._draw(name, number, mask, split)

    def _draw(self, name: str, number: int, mask: Mask, split: str) -> None:
        for index in np.unique(mask).tolist():
            if index < self._first:
                continue
            self._has_ignored |= index == IGNORE_INDEX
            category = IGNORED_CATEGORY["id"] if index == IGNORE_INDEX else index + 1
            count, regions = cv2.connectedComponents((mask == index).astype(np.uint8), connectivity=8)
            for region in range(1, count):
                rle = coco.encode(np.asfortranarray(regions == region, np.uint8))
                self._region_count += 1
                self._lists[split]["annotations"].append(
                    {
                        "id": self._region_count,
                        "image_id": number,
                        "category_id": category,
                        "segmentation": {"size": list(mask.shape), "counts": rle["counts"].decode("ascii")},
                        "area": int(coco.area(rle)),
                        "bbox": coco.toBbox(rle).tolist(),
                        "iscrowd": 0,
                    }
                )

    def close(self) -> None:
        categories = [
            {"id": label.index + 1, "name": label.name, "supercategory": "none", "isthing": int(label.is_defect)}
            for label in self.labels[self._first :]
        ]
        if self._has_ignored:
            categories.append(dict(IGNORED_CATEGORY))
        for split, lists in self._lists.items():
            if lists["images"]:
                content = json.dumps({**lists, "categories": categories}, ensure_ascii=False)
                write_file(self.path / "annotations" / f"{self.kind}_{split}.json", content.encode())


class PanopticWriter(CocoWriter):
    """A PNG of segment ids for each picture, one segment for each connected region of any label."""

    kind = "panoptic"

    def __init__(self, path: str | Path, labels: Sequence[LabelSpec]) -> None:
        super().__init__(path, labels)
        self._first = 0

    def _draw(self, name: str, number: int, mask: Mask, split: str) -> None:
        ids = np.zeros(mask.shape, np.uint32)
        segments: list[dict[str, Any]] = []
        for index in np.unique(mask).tolist():
            if index == IGNORE_INDEX:
                continue
            count, regions, statistics, _ = cv2.connectedComponentsWithStats(
                (mask == index).astype(np.uint8), connectivity=8
            )
            for region in range(1, count):
                *box, area = map(int, statistics[region])
                segments.append(
                    {
                        "id": len(segments) + 1,
                        "category_id": index + 1,
                        "area": area,
                        "bbox": box,
                        "iscrowd": 0,
                    }
                )
            ids[regions > 0] = (regions[regions > 0] + (len(segments) - (count - 1))).astype(np.uint32)
        rgb = np.stack([ids >> shift & 255 for shift in (0, 8, 16)], axis=2).astype(np.uint8)
        write_file(self.path / "annotations" / f"panoptic_{split}" / f"{name}.png", png_bytes(rgb))
        self._lists[split]["annotations"].append(
            {"image_id": number, "file_name": f"{name}.png", "segments_info": segments}
        )


class CityscapesWriter(DatasetWriter):
    """leftImg8bit and gtFine with labelIds PNGs; other pictures than PNG are stored as PNG, as the form wants it."""

    def _write(self, name: str, picture: bytes, mask: Mask, split: str, ending: str) -> None:
        inner = name if "/" in name else f"{OWN_CITY}/{name}"
        if ending.lower() != ".png":
            picture = _as_png(picture)
        write_file(self.path / CITYSCAPES_IMAGES / split / f"{inner}{PICTURE_END}.png", picture)
        write_file(self.path / TRUTH / split / f"{inner}{IDS_END}", mask_png(mask))

    def close(self) -> None:
        for folder in (CITYSCAPES_IMAGES, TRUTH):
            (self.path / folder).mkdir(exist_ok=True)


def _as_png(picture: bytes) -> bytes:
    with tempfile.NamedTemporaryFile() as file:
        file.write(picture)
        file.flush()
        return png_bytes(read_rgb(file.name))
