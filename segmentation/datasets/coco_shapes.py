"""COCO's shapes as masks: polygons and run lengths by COCO's own rules (pycocotools), panoptic PNGs by colour."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pycocotools import mask as coco

from segmentation.datasets.coco_files import Placed
from segmentation.datasets.errors import DatasetError
from segmentation.pictures import PictureError, opened_picture
from segmentation.spec import IGNORE_INDEX

Mask = npt.NDArray[np.uint8]
_FARTHEST = 10
"""Corners may lie outside the picture, as some programs draw them, but not by more than so many of its sides:
pycocotools walks along every edge, outside too, and takes 40 bytes for each step."""


def instance_mask(file: Path, placed: Placed, indices: Mapping[int, int]) -> Mask:
    """uint8 (H, W): 0 where nothing is drawn, crowds below, then larger instances below smaller ones."""
    mask = np.zeros((placed.height, placed.width), np.uint8)
    drawn = []
    for place, row in placed.shapes:
        where = f"{file}: annotations[{place}] (id {row.get('id')!r})"
        category = row.get("category_id")
        if not isinstance(category, int) or category not in indices:
            raise DatasetError(f"{where}: expected the id of a listed category, found {category!r}")
        runs = _run_lengths(where, row.get("segmentation"), placed.height, placed.width)
        area = sum(runs[1::2])
        if area:
            drawn.append((not row.get("iscrowd"), -area, place, runs, indices[category]))
    for _, _, _, runs, index in sorted(drawn, key=lambda shape: shape[:3]):
        # Runs alternate between outside and inside, down the columns.
        inside = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
        mask[inside.reshape(placed.width, placed.height).T] = index
    return mask


def panoptic_mask(file: Path, placed: Placed, indices: Mapping[int, int]) -> Mask:
    """uint8 (H, W): a segment's id is red + 256 green + 256² blue; 0 is 255."""
    [(place, row)] = placed.shapes
    where = f"{file}: annotations[{place}]"
    table: dict[int, int] = {0: IGNORE_INDEX}
    for segment in row["segments_info"]:
        try:
            number, category = int(segment["id"]), int(segment["category_id"])
        except (TypeError, KeyError, ValueError, OverflowError) as error:
            raise DatasetError(f'{where}: expected segments with {{"id", "category_id"}}: {error!r}') from error
        if category not in indices:
            raise DatasetError(f"{where}: expected the id of a listed category, found {category}")
        table[number] = indices[category]
    source = placed.segments
    assert source is not None  # noqa: S101 - a picture without segments is not placed
    try:
        with opened_picture(source) as image:
            rgb = np.asarray(image.convert("RGB"), np.uint32)
    except PictureError as error:
        raise DatasetError(f"{source} {error}") from error
    found, inverse = np.unique(rgb[..., 0] + 256 * rgb[..., 1] + 65536 * rgb[..., 2], return_inverse=True)
    unknown = [number for number in found.tolist() if number not in table]
    if unknown:
        raise DatasetError(f"{source}: holds the segment id {unknown[0]}, which {where} does not list")
    values = np.asarray([table[number] for number in found.tolist()], np.uint8)
    return values[inverse].reshape(rgb.shape[:2])


def _run_lengths(where: str, segmentation: Any, height: int, width: int) -> list[int]:
    """Run lengths of a segmentation in any of COCO's three forms; they sum to the picture's pixels, or are none."""
    try:
        if not segmentation:
            return []
        if isinstance(segmentation, list):
            polygons = [[float(number) for number in ring] for ring in segmentation if len(ring) >= 6]
            corners = np.asarray([number for ring in polygons for number in ring])
            if not np.isfinite(corners).all():
                raise ValueError("a polygon holds what is no number")
            if np.abs(corners).max(initial=0) > _FARTHEST * max(height, width):
                raise ValueError("a polygon lies far outside its picture")
            if not polygons:
                return []
            counts = coco.merge(coco.frPyObjects(polygons, height, width))["counts"]
        else:
            size, counts = [int(side) for side in segmentation["size"]], segmentation["counts"]
            if size != [height, width]:
                raise ValueError(f"they are for {size} pixels, the picture has {[height, width]} (height, width)")
        runs = [int(run) for run in counts] if isinstance(counts, list) else _unpacked(counts)
        if min(runs, default=0) < 0 or sum(runs) != height * width:
            raise ValueError(f"the run lengths sum to {sum(runs)}, the picture has {height * width} pixels")
    except (TypeError, KeyError, ValueError, AttributeError, OverflowError) as error:
        raise DatasetError(
            f"{where}: expected polygons [[x, y, …]] or run lengths {{size, counts}}: {error}"
        ) from error
    return runs


def _unpacked(counts: bytes | str) -> list[int]:
    """Compressed run lengths as numbers: 5 bits a letter, from the third run on the change against two before.

    pycocotools would trust what a file says and write beyond the picture.
    """
    text = counts.encode("ascii") if isinstance(counts, str) else counts
    runs: list[int] = []
    place = 0
    while place < len(text):
        value, shift, more = 0, 0, True
        while more:
            if place >= len(text) or not 48 <= text[place] < 112 or shift > 30:
                raise ValueError("the compressed run lengths are damaged")
            chunk = text[place] - 48
            value |= (chunk & 31) << shift
            more = bool(chunk & 32)
            place, shift = place + 1, shift + 5
            if not more and chunk & 16:
                value |= -1 << shift
        runs.append(value + runs[-2] if len(runs) > 2 else value)
    return runs
