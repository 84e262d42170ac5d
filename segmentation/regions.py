"""Connected components of one picture, kept in an array: noise can make millions of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, overload

import numpy as np
import numpy.typing as npt

_BLOCK = 4096


@dataclass(frozen=True, slots=True)
class Region:
    """One 8-connected component: area, bounding box (left, top, width, height), centre of area; in pixels.

    `length_px`, `breadth_px` and `orientation_deg` as in `segmentation.shapes`.
    """

    label_index: int
    area_px: int
    x_px: int
    y_px: int
    width_px: int
    height_px: int
    centroid_x_px: float
    centroid_y_px: float
    length_px: float
    breadth_px: float
    orientation_deg: float


# A box lies within a picture of at most 2**31 pixels.
ROW = np.dtype([(field.name, np.int32 if field.type == "int" else np.float64) for field in fields(Region)])

Rows = npt.NDArray[np.void]


def rows_of_label(
    label_index: int,
    areas_px: npt.NDArray[np.integer],
    boxes: npt.NDArray[np.integer],
    centers: npt.NDArray[np.float64],
    shapes: npt.NDArray[np.float64],
) -> Rows:
    """Rows (N,) of one label's regions from areas (N,), boxes (N, 4) of left, top, width and height, centres (N, 2) of
    x and y, and shapes (N, 3) as `segmentation.shapes.Shape`."""
    rows = np.empty(len(areas_px), ROW)
    columns = [np.full(len(areas_px), label_index), areas_px, *boxes.T, *centers.T, *shapes.T]
    for name, column in zip(ROW.names or (), columns, strict=True):
        rows[name] = column
    return rows


class Regions(Sequence[Region]):
    """Regions in order; a row of `rows`, an array (N,) of `ROW`, is 64 bytes, a `Region` object about 400."""

    __slots__ = ("rows",)

    def __init__(self, rows: Rows) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, index: int) -> Region: ...
    @overload
    def __getitem__(self, index: slice) -> Regions: ...
    def __getitem__(self, index: int | slice) -> Region | Regions:
        return Regions(self.rows[index]) if isinstance(index, slice) else Region(*self.rows[index].tolist())

    def __iter__(self) -> Iterator[Region]:
        return (Region(*values) for values in self.tuples())

    def tuples(self) -> Iterator[tuple[Any, ...]]:
        """Each region's numbers in the order of `Region`'s fields."""
        for start in range(0, len(self.rows), _BLOCK):
            yield from self.rows[start : start + _BLOCK].tolist()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Regions) and np.array_equal(self.rows, other.rows)

    def __repr__(self) -> str:
        return f"Regions({len(self)})"
