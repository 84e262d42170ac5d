"""One Measurement per label of a mask, zeros included, and one Region per connected component."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from segmentation.regions import ROW, Regions, Rows, rows_of_label
from segmentation.shapes import SPECK_PX, measure_shape, measure_specks
from segmentation.spec import IGNORE_INDEX

# OpenCV counts histograms in float32, which is exact only below 2**24.
_EXACT_PIXELS = 2**23

# So many specks are measured one by one faster than all at once.
_FEW_SPECKS = 100


@dataclass(frozen=True)
class Measurement:
    """One label in one picture. `area_fraction` 0–1 is its share of all pixels of the picture.

    `mean_confidence` 0–1 is the mean over the label's pixels; None where it has none or none was given.
    """

    label_index: int
    pixels: int
    area_fraction: float
    region_count: int
    largest_region_px: int
    mean_confidence: float | None


@dataclass(frozen=True)
class PictureMeasurement:
    """`measurements` by label index, one for every label; `regions` by label, then top to bottom.

    `confidence` 0–1 is the mean over all pixels of the winning label's probability, None where not given.
    """

    measurements: tuple[Measurement, ...]
    regions: Regions
    confidence: float | None


def measure(
    mask: npt.NDArray[np.uint8], label_count: int, confidence: npt.NDArray[np.float32] | None = None
) -> PictureMeasurement:
    """Measure a mask uint8 (H, W) of labels below `label_count`; pixels of 255 count for no label.

    `confidence` float32 (H, W), 0–1, is the probability of each pixel's winning label. ValueError where the
    sizes differ or a value is neither below `label_count` nor 255.
    """
    mask = _checked(mask, label_count, confidence)

    def of_label(index: int, pixels: int) -> tuple[Rows, float | None]:
        place, binary = _cropped(mask, index)
        return _regions(binary, index, place[0], place[1], pixels), _mean(confidence, binary, place)

    overall = None if confidence is None else float(cv2.mean(confidence)[0])
    return measured(mask, label_count, of_label, overall)


def measured(
    mask: npt.NDArray[np.uint8],
    label_count: int,
    of_label: Callable[[int, int], tuple[Rows, float | None]],
    confidence: float | None,
) -> PictureMeasurement:
    """What `of_label` finds of each label (its index, its pixels → its regions and mean confidence), put together."""
    pixels = pixel_counts(mask, label_count)
    measurements: list[Measurement] = []
    regions = [np.empty(0, ROW)]
    for index in range(label_count):
        if pixels[index] == 0:
            measurements.append(Measurement(index, 0, 0.0, 0, 0, None))
            continue
        found, mean_confidence = of_label(index, int(pixels[index]))
        regions.append(found)
        measurements.append(
            Measurement(
                label_index=index,
                pixels=int(pixels[index]),
                area_fraction=float(pixels[index] / mask.size),
                region_count=len(found),
                largest_region_px=int(found["area_px"].max()),
                mean_confidence=mean_confidence,
            )
        )
    return PictureMeasurement(tuple(measurements), Regions(np.concatenate(regions)), confidence)


def verdict(
    measurements: Iterable[Measurement],
    defect_indices: Set[int],
    min_region_px: int,
    label_limits: Mapping[int, int] | None = None,
) -> Literal["pass", "fail"]:
    """'fail' where any region of a defect label has at least that label's least number of pixels, else 'pass'.

    `label_limits` has it for labels with an operating point of their own, `min_region_px` is all the others'.
    """
    sizes = {row.label_index: row.largest_region_px for row in measurements if row.label_index in defect_indices}
    return "fail" if reaches_limit(sizes, min_region_px, label_limits) else "pass"


def reaches_limit(
    largest_px: Mapping[int, int], min_region_px: int, label_limits: Mapping[int, int] | None = None
) -> bool:
    """Whether the largest region of any label (index → pixels) has at least the label's limit, never below 1."""
    limits = label_limits or {}
    return any(size >= max(1, limits.get(label, min_region_px)) for label, size in largest_px.items())


def _checked(
    mask: npt.NDArray[np.uint8], label_count: int, confidence: npt.NDArray[np.float32] | None
) -> npt.NDArray[np.uint8]:
    if mask.dtype != np.uint8 or mask.ndim != 2 or mask.size == 0:
        raise ValueError(f"a mask is uint8 (H, W) with at least one pixel, this is {mask.dtype} {mask.shape}")
    if not 1 <= label_count <= IGNORE_INDEX:
        raise ValueError(f"there are 1 to {IGNORE_INDEX} labels, not {label_count}")
    if confidence is not None and (confidence.shape != mask.shape or confidence.dtype != np.float32):
        raise ValueError(
            f"confidence is float32 of the mask's size {mask.shape}, this is {confidence.dtype} {confidence.shape}"
        )
    return np.ascontiguousarray(mask)


def pixel_counts(mask: npt.NDArray[np.uint8], label_count: int) -> npt.NDArray[np.int64]:
    """Pixels (label_count,) of each label."""
    counts = np.zeros(256, np.int64)
    rows = max(1, _EXACT_PIXELS // mask.shape[1])
    for top in range(0, mask.shape[0], rows):
        part = cv2.calcHist([mask[top : top + rows]], [0], None, [256], [0, 256])
        counts += np.rint(part.ravel()).astype(np.int64)
    unknown = np.flatnonzero(counts[label_count:IGNORE_INDEX])
    if unknown.size:
        raise ValueError(
            f"a mask of {label_count} labels holds values below {label_count} and 255 for none, "
            f"this one holds {label_count + int(unknown[-1])}"
        )
    return counts[:label_count]


def _cropped(mask: npt.NDArray[np.uint8], index: int) -> tuple[tuple[int, int, int, int], npt.NDArray[np.uint8]]:
    """Bounding box (left, top, width, height) of a label and uint8 255 / 0 inside it."""
    binary = np.asarray(cv2.inRange(mask, np.array(index), np.array(index)), np.uint8)
    left, top, width, height = cv2.boundingRect(binary)
    return (left, top, width, height), np.ascontiguousarray(binary[top : top + height, left : left + width])


def _regions(binary: npt.NDArray[np.uint8], index: int, left: int, top: int, pixels: int) -> Rows:
    height, width = binary.shape
    most = min(pixels, ((height + 1) // 2) * ((width + 1) // 2))
    # Numbering in 16 bits takes a third of the time, where there cannot be more components than that.
    number_type = cv2.CV_16U if most < 2**16 - 1 else cv2.CV_32S
    count, numbers, stats, centroids = cv2.connectedComponentsWithStats(binary, connectivity=8, ltype=number_type)
    areas_px = np.asarray(stats[:, cv2.CC_STAT_AREA], np.int32)
    if np.count_nonzero(areas_px[1:] < SPECK_PX) > _FEW_SPECKS:
        shapes = measure_specks(np.asarray(numbers), areas_px, np.asarray(centroids, np.float64))
    else:
        shapes = np.full((count, 3), np.nan)
    for number in (np.flatnonzero(np.isnan(shapes[1:, 0])) + 1).tolist():
        x, y, wide, high, area = stats[number].tolist()
        box = binary if count == 2 else (numbers[y : y + high, x : x + wide] == number).view(np.uint8)
        shapes[number] = measure_shape(box, area)
    boxes = np.asarray(stats[1:, : cv2.CC_STAT_AREA]) + np.array([left, top, 0, 0])
    centers = np.asarray(centroids[1:]) + np.array([left, top])
    return rows_of_label(index, areas_px[1:], boxes, centers, shapes[1:])


def _mean(
    confidence: npt.NDArray[np.float32] | None,
    binary: npt.NDArray[np.uint8],
    place: tuple[int, int, int, int],
) -> float | None:
    if confidence is None:
        return None
    left, top, width, height = place
    return float(cv2.mean(confidence[top : top + height, left : left + width], mask=binary)[0])
