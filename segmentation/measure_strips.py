"""Measuring masks of hundreds of megapixels in strips: the same numbers as `measure` in a fraction of its memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from segmentation.measure import PictureMeasurement, measured
from segmentation.regions import Rows, rows_of_label
from segmentation.shapes import measure_reduced, measure_shape, reduction_of

Mask = npt.NDArray[np.uint8]

_STRIP_PIXELS = 16_000_000
_CROP_PIXELS = 4_000_000


@dataclass
class ConfidenceSums:
    """Sums of the winning label's probability, 0–1, by label index, so that no picture of them has to be kept."""

    sums: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(256))
    pixels: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(256, np.int64))

    def add(self, mask: Mask, confidence: npt.NDArray[np.float32]) -> None:
        """Add a part of a picture: mask uint8 and confidence float32 of one shape."""
        values = mask.ravel()
        self.sums += np.bincount(values, weights=confidence.ravel(), minlength=256)
        self.pixels += np.bincount(values, minlength=256)

    def mean_of(self, label: int) -> float | None:
        return float(self.sums[label] / self.pixels[label]) if self.pixels[label] else None

    @property
    def mean(self) -> float | None:
        count = int(self.pixels.sum())
        return float(self.sums.sum() / count) if count else None


def measure_strips(
    mask: Mask, label_count: int, confidence: ConfidenceSums | None = None, *, strip_pixels: int = _STRIP_PIXELS
) -> PictureMeasurement:
    """What `measure` says of a mask uint8 (H, W), taken in strips of rows; regions are joined across their borders."""
    rows = max(1, strip_pixels // mask.shape[1])

    def of_label(index: int, _: int) -> tuple[Rows, float | None]:
        return _regions(mask, index, rows), None if confidence is None else confidence.mean_of(index)

    return measured(mask, label_count, of_label, None if confidence is None else confidence.mean)


@dataclass(frozen=True)
class _Strip:
    """Components of one label in rows `top` and following: `numbers` (h, W) int32, 0 = none; `first`: the number that
    component 1 has among those of the whole picture."""

    top: int
    first: int
    numbers: npt.NDArray[np.int32]
    stats: npt.NDArray[np.int32]
    centroids: npt.NDArray[np.float64]


def _strips(mask: Mask, index: int, rows: int) -> Iterator[_Strip]:
    first = 0
    for top in range(0, mask.shape[0], rows):
        binary = cv2.inRange(np.ascontiguousarray(mask[top : top + rows]), np.array(index), np.array(index))
        count, numbers, stats, centroids = cv2.connectedComponentsWithStats(binary, connectivity=8, ltype=cv2.CV_32S)
        yield _Strip(top, first, np.asarray(numbers, np.int32), np.asarray(stats[1:]), np.asarray(centroids[1:]))
        first += count - 1


class _Joined:
    """Which components of all strips are one region (union by smallest number)."""

    def __init__(self) -> None:
        self._parents = np.empty(0, np.int64)

    def grow(self, count: int) -> None:
        self._parents = np.concatenate([self._parents, np.arange(len(self._parents), len(self._parents) + count)])

    def root(self, number: int) -> int:
        while self._parents[number] != number:
            self._parents[number] = self._parents[self._parents[number]]
            number = int(self._parents[number])
        return number

    def join(self, one: int, other: int) -> None:
        lower, upper = sorted((self.root(one), self.root(other)))
        self._parents[upper] = lower

    def roots(self) -> npt.NDArray[np.int64]:
        """The region of each component; parents have smaller numbers, so one pass in order settles all."""
        for number, parent in enumerate(self._parents.tolist()):
            self._parents[number] = self._parents[parent]
        return self._parents


@dataclass(frozen=True)
class _Components:
    """Of one label: area, box (left, top, right, bottom) and centre of each region, and each component's region."""

    areas: npt.NDArray[np.int64]
    boxes: npt.NDArray[np.int64]
    centers: npt.NDArray[np.float64]
    region_of: npt.NDArray[np.int64]


def _regions(mask: Mask, index: int, rows: int) -> Rows:
    found = _components(mask, index, rows)
    boxes = found.boxes - np.pad(found.boxes[:, :2], [(0, 0), (2, 0)])
    return rows_of_label(index, found.areas, boxes, found.centers, _shapes(mask, index, rows, found))


def _components(mask: Mask, index: int, rows: int) -> _Components:
    joined = _Joined()
    last_row = np.zeros(mask.shape[1], np.int64)
    stats: list[npt.NDArray[np.int64]] = []
    centroids: list[npt.NDArray[np.float64]] = []
    for strip in _strips(mask, index, rows):
        joined.grow(len(strip.stats))
        first_row = _numbered(strip, 0)
        for one, other in _touching(last_row, first_row):
            joined.join(one - 1, other - 1)
        last_row = _numbered(strip, -1)
        moved = strip.stats.astype(np.int64)
        moved[:, cv2.CC_STAT_TOP] += strip.top
        stats.append(moved)
        centroids.append(strip.centroids + np.array([0, strip.top]))
    return _merged(np.concatenate(stats), np.concatenate(centroids), joined.roots())


def _numbered(strip: _Strip, row: int) -> npt.NDArray[np.int64]:
    """A row's components, counted from 1 through the whole picture; 0 = none."""
    numbers = strip.numbers[row].astype(np.int64)
    return np.where(numbers > 0, numbers + strip.first, 0)


def _touching(upper: npt.NDArray[np.int64], lower: npt.NDArray[np.int64]) -> list[list[int]]:
    """Pairs of components that meet where two strips do, corners counted."""
    pairs = [
        np.stack([upper, lower]),
        np.stack([upper[1:], lower[:-1]]),
        np.stack([upper[:-1], lower[1:]]),
    ]
    found = np.concatenate(pairs, axis=1)
    found = found[:, (found > 0).all(axis=0)]
    return np.unique(found, axis=1).T.tolist()


def _merged(
    stats: npt.NDArray[np.int64], centroids: npt.NDArray[np.float64], roots: npt.NDArray[np.int64]
) -> _Components:
    _, first, region_of = np.unique(roots, return_index=True, return_inverse=True)
    count = len(first)
    areas = np.bincount(region_of, weights=stats[:, cv2.CC_STAT_AREA], minlength=count)
    weighted = [np.bincount(region_of, weights=centroids[:, axis] * stats[:, cv2.CC_STAT_AREA]) for axis in (0, 1)]
    lefts, tops = stats[:, cv2.CC_STAT_LEFT], stats[:, cv2.CC_STAT_TOP]
    boxes = np.empty((count, 4), np.int64)
    boxes[:, :2] = np.iinfo(np.int64).max
    boxes[:, 2:] = 0
    np.minimum.at(boxes[:, 0], region_of, lefts)
    np.minimum.at(boxes[:, 1], region_of, tops)
    np.maximum.at(boxes[:, 2], region_of, lefts + stats[:, cv2.CC_STAT_WIDTH])
    np.maximum.at(boxes[:, 3], region_of, tops + stats[:, cv2.CC_STAT_HEIGHT])
    return _Components(areas.astype(np.int64), boxes, np.stack(weighted, axis=1) / areas[:, None], region_of)


def _shapes(mask: Mask, index: int, rows: int, found: _Components) -> npt.NDArray[np.float64]:
    """Small regions are cut out of their strip; large ones are drawn reduced while strips go by, and then let go."""
    shapes = np.empty((len(found.areas), 3))
    sizes = (found.boxes[:, 2] - found.boxes[:, 0]) * (found.boxes[:, 3] - found.boxes[:, 1])
    is_whole = found.boxes[:, 1] // rows == (found.boxes[:, 3] - 1) // rows
    is_drawn = ~is_whole | (sizes > _CROP_PIXELS)
    drawn: dict[int, _Drawn] = {}
    for strip in _strips(mask, index, rows):
        mine = found.region_of[strip.first : strip.first + len(strip.stats)]
        for number, region in enumerate(mine.tolist(), start=1):
            left, top, width, height, area = strip.stats[number - 1].tolist()
            part = (strip.numbers[top : top + height, left : left + width] == number).view(np.uint8)
            if is_drawn[region]:
                if region not in drawn:
                    drawn[region] = _Drawn.of(found, region)
                drawn[region].add(part, left, strip.top + top)
            else:
                shapes[region] = measure_shape(part, area)
        for region in [one for one in drawn if found.boxes[one, 3] <= strip.top + strip.numbers.shape[0]]:
            one = drawn.pop(region)
            shapes[region] = measure_reduced(one.picture(), one.factor, int(found.areas[region]))
    return shapes


@dataclass
class _Drawn:
    """A region drawn at a whole share of its size: how many of its pixels lie in each square of `factor` a side."""

    left: int
    top: int
    factor: int
    counts: npt.NDArray[np.int32]

    @classmethod
    def of(cls, found: _Components, region: int) -> _Drawn:
        left, top, right, bottom = found.boxes[region].tolist()
        factor = reduction_of((right - left) * (bottom - top))
        counts = np.zeros((-(-(bottom - top) // factor), -(-(right - left) // factor)), np.int32)
        return cls(left, top, factor, counts)

    def add(self, part: Mask, left: int, top: int) -> None:
        """Add pixels (h, w) of 0 and 1 whose corner lies there."""
        before = (top - self.top) % self.factor, (left - self.left) % self.factor
        after = [-(length + start) % self.factor for length, start in zip(part.shape, before, strict=True)]
        framed = np.pad(part, [(before[0], after[0]), (before[1], after[1])]) if any((*before, *after)) else part
        down, across = framed.shape[0] // self.factor, framed.shape[1] // self.factor
        sums = framed.reshape(down, self.factor, across * self.factor).sum(axis=1, dtype=np.int32)
        sums = sums.reshape(down, across, self.factor).sum(axis=2)
        row, column = (top - self.top) // self.factor, (left - self.left) // self.factor
        self.counts[row : row + down, column : column + across] += sums

    def picture(self) -> Mask:
        """The share of each square in 255ths."""
        if self.factor == 1:
            return self.counts.astype(np.uint8)
        shares = np.rint(self.counts * (255 / self.factor**2))
        return np.asarray(np.maximum(shares, self.counts > 0), np.uint8)
