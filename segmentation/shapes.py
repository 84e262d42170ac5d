"""Length, breadth and orientation of one region: of its skeleton where it is thin, else of its ellipse."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
from skimage.morphology import skeletonize

Pixels = npt.NDArray[np.uint8]

# A box with more pixels is measured on a copy reduced by a whole factor, so that no region takes long.
_BOX_PIXELS = 2**20

# A shape is thin when its area is at least so many squares of its broadest place (the largest circle inside it).
# Below, the ends of a skeleton are as long as the skeleton; from about four on, what a person measures along a
# scratch or a crack is its middle line, bent or not, and an ellipse of a bent one says nothing.
_THIN = 4.0

# The largest circle inside a region is at least two pixels broad as distances are counted here, so anything smaller
# cannot be thin.
SPECK_PX = 16

# Only what is long or fills little of its ellipse can be thin: an ellipse fills all of it, a rectangle 95 %.
_LONG = 3.0
_FILLED = 0.6

# Broader regions are thinned on a copy of this breadth.
_SMOOTH_PX = 8
_LINE_PX = 3.0
_SMOOTHING = 0.25
_HALF = 127

_NEIGHBOURS = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], np.uint8)


class Shape(NamedTuple):
    """`length_px` ≥ `breadth_px` > 0; `orientation_deg` 0 to below 180 from the right, counter-clockwise.

    The orientation is that of the ellipse, also for thin shapes; 0 where the ellipse is a circle.
    """

    length_px: float
    breadth_px: float
    orientation_deg: float


def measure_shape(region: Pixels, area_px: int) -> Shape:
    """Measure one connected region of `area_px` pixels: uint8 (H, W) of its box, 0 outside it and not 0 inside.

    The ellipse has the region's second central moments, a pixel taken as a square of one by one (Teague 1980,
    "Image analysis via the general theory of moments"). A thin shape's length is that of its skeleton (Zhang and
    Suen 1984), branches included, diagonal steps counted as √2, and from its ends on to the edge; its breadth is
    area ÷ length. Steps in eight directions are up to 8 % longer than the straight line between them (Freeman's
    chain code): bars are measured to −8 … +10 % and a pixel, compact ellipses to 2 % and a pixel, slim pointed
    ones come out up to 15 % short. A compact rectangle's ellipse is 15 % longer than its sides.
    """
    factor = reduction_of(region.size)
    return measure_reduced(region if factor == 1 else _reduced(region, factor), factor, area_px)


def reduction_of(box_pixels: int) -> int:
    """How many pixels a side of a region's box are measured as one."""
    return math.ceil(math.sqrt(box_pixels / _BOX_PIXELS))


def measure_reduced(small: Pixels, factor: int, area_px: int) -> Shape:
    """The same of a copy that has the share of each `factor` × `factor` pixels in 255ths, never less than one."""
    ellipse = _ellipse(small, factor)
    filled = area_px / (math.pi / 4 * ellipse.length_px * ellipse.breadth_px)
    if area_px >= SPECK_PX and (ellipse.length_px >= _LONG * ellipse.breadth_px or filled < _FILLED):
        thin = _thin(small, factor, area_px)
        if thin is not None:
            return Shape(*thin, ellipse.orientation_deg)
    return ellipse


def _reduced(region: Pixels, factor: int) -> Pixels:
    """Share of each block of `factor` × `factor` pixels that belongs to the region, in 255ths, never less than one."""
    height, width = region.shape
    bottom, right = -height % factor, -width % factor
    whole = cv2.copyMakeBorder((region > 0) * np.uint8(255), 0, bottom, 0, right, cv2.BORDER_CONSTANT, value=0)
    size = ((width + right) // factor, (height + bottom) // factor)
    return np.asarray(cv2.resize(whole, size, interpolation=cv2.INTER_AREA), np.uint8)


def measure_specks(
    numbers: npt.NDArray[Any], areas_px: npt.NDArray[np.int32], centroids: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Shapes (N + 1, 3) of all regions below SPECK_PX pixels, which are never thin, at once; NaN for the others.

    `numbers` (H, W) says which region each pixel belongs to, 0 = none; `areas_px` (N + 1,) and `centroids`
    (N + 1, 2) are by number, as OpenCV gives them.
    """
    is_speck = areas_px < SPECK_PX
    is_speck[0] = False
    rows, columns = np.nonzero(is_speck[numbers])
    mine = numbers[rows, columns]
    across, down = columns - centroids[mine, 0], rows - centroids[mine, 1]
    count = len(areas_px)
    moments = [
        np.bincount(mine, weights=product, minlength=count) / np.maximum(1, areas_px)
        for product in (across * across, down * down, across * down)
    ]
    shapes = np.full((count, 3), np.nan)
    for number in np.flatnonzero(is_speck).tolist():
        shapes[number] = _axes(moments[0][number], moments[1][number], moments[2][number], 1.0)
    return shapes


def _ellipse(region: Pixels, factor: int) -> Shape:
    moments = cv2.moments(region, binaryImage=factor == 1)
    scale = factor**2 / moments["m00"]
    return Shape(*_axes(moments["mu20"] * scale, moments["mu02"] * scale, moments["mu11"] * scale, factor**2))


def _axes(across: float, down: float, both: float, pixel: float) -> tuple[float, float, float]:
    """Axes and direction of the ellipse with these second moments, those of a pixel of `pixel` px² added."""
    middle, spread = (across + down) / 2 + pixel / 12, math.hypot((across - down) / 2, both)
    # Rows count downwards, angles upwards.
    angle = math.degrees(0.5 * math.atan2(-2 * both, across - down))
    return 4 * math.sqrt(middle + spread), 4 * math.sqrt(max(middle - spread, pixel / 12)), angle % 180.0 % 180.0


def _thin(region: Pixels, factor: int, area_px: int) -> tuple[float, float] | None:
    """Length and breadth in pixels along the skeleton; None where the region is not thin."""
    margin = 2 * _SMOOTH_PX
    framed = cv2.copyMakeBorder(
        (region > 0) * np.uint8(255), margin, margin, margin, margin, cv2.BORDER_CONSTANT, value=0
    )
    broadest = 2 * float(cv2.minMaxLoc(cv2.distanceTransform(framed, cv2.DIST_L2, cv2.DIST_MASK_5))[1])
    if area_px < _THIN * (broadest * factor) ** 2:
        return None
    # Thinning takes a turn for every two pixels of breadth.
    scale = max(1.0, broadest / _SMOOTH_PX)
    if scale > 1:
        framed = cv2.resize(framed, None, fx=1 / scale, fy=1 / scale, interpolation=cv2.INTER_AREA)
    length_px = max(_skeleton_length(np.asarray(framed, np.uint8)) * scale * factor, math.sqrt(area_px))
    return length_px, area_px / length_px


def _skeleton_length(framed: Pixels) -> float:
    """Length of the skeleton with its ends, of a thin region drawn in 255 on 0.

    A rough edge grows twigs on the skeleton of a broad region, and a corner draws the end to itself: where the
    region is broader than three pixels on the whole, its edge is smoothed first, by less than would close an arm.
    """
    region = framed > _HALF
    line = np.asarray(skeletonize(region)).view(np.uint8)
    breadth = int(np.count_nonzero(region)) / max(1.0, _steps(line))
    if breadth > _LINE_PX:
        smooth = cv2.GaussianBlur(framed, (0, 0), _SMOOTHING * breadth) > _HALF
        smooth_line = np.asarray(skeletonize(smooth)).view(np.uint8)
        if smooth_line.any():
            region, line = smooth, smooth_line
    neighbours = cv2.filter2D(line, cv2.CV_8U, _NEIGHBOURS, borderType=cv2.BORDER_CONSTANT)
    depth = cv2.distanceTransform(region.view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
    # From the middle of the last pixel to the edge of the region.
    ends = float((depth[(line > 0) & (neighbours <= 1)] - 0.5).sum())
    return _steps(line) + ends


def _steps(line: Pixels) -> float:
    """Steps between neighbouring pixels; a diagonal one counts where no straight ones lead round its corner."""
    straight = int(np.count_nonzero(line[:, :-1] & line[:, 1:])) + int(np.count_nonzero(line[:-1] & line[1:]))
    falling = line[:-1, :-1] & line[1:, 1:] & ~(line[:-1, 1:] | line[1:, :-1])
    rising = line[:-1, 1:] & line[1:, :-1] & ~(line[:-1, :-1] | line[1:, 1:])
    return straight + math.sqrt(2) * (int(np.count_nonzero(falling)) + int(np.count_nonzero(rising)))
