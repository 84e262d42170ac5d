"""Outlines of defects and the coverage of each pixel by them, inside the smallest window that holds them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

Plane: TypeAlias = npt.NDArray[np.float32]
Picture: TypeAlias = npt.NDArray[np.float32]
Mask: TypeAlias = npt.NDArray[np.uint8]

SHIFT_BITS = 4
EDGE_PX = 6


@dataclass(frozen=True)
class Window:
    """A rectangle of the picture: rows `top` to `bottom`, columns `left` to `right`, ends left out."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def slices(self) -> tuple[slice, slice]:
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def is_empty(self) -> bool:
        return self.right <= self.left or self.bottom <= self.top


def window_around(points: npt.NDArray[np.float64], margin_px: float, width: int, height: int) -> Window:
    """The part of a width × height picture within `margin_px` of the points (N, 2) of x and y."""
    low = np.floor(points.min(axis=0) - margin_px).astype(int)
    high = np.ceil(points.max(axis=0) + margin_px).astype(int) + 1
    return Window(
        left=max(0, int(low[0])),
        top=max(0, int(low[1])),
        right=min(width, int(high[0])),
        bottom=min(height, int(high[1])),
    )


def stroke_coverage(points: npt.NDArray[np.float64], widths_px: npt.NDArray[np.float64], window: Window) -> Plane:
    """Coverage 0–1 (float32) of the window's pixels by a line through points (N, 2) of varying width."""
    canvas = np.zeros((window.bottom - window.top, window.right - window.left), np.uint8)
    local = points - (window.left, window.top)
    step = np.diff(local, axis=0)
    length = np.maximum(np.hypot(step[:, 0], step[:, 1]), 1e-6)[:, None]
    normal = np.column_stack([-step[:, 1], step[:, 0]]) / length
    start, end = widths_px[:-1, None] / 2, widths_px[1:, None] / 2
    quads = np.stack(
        [
            local[:-1] + normal * start,
            local[1:] + normal * end,
            local[1:] - normal * end,
            local[:-1] - normal * start,
        ],
        axis=1,
    )
    scale = 1 << SHIFT_BITS
    for quad in np.rint(quads * scale).astype(np.int32):
        cv2.fillConvexPoly(canvas, quad, 255, cv2.LINE_AA, SHIFT_BITS)
    for (x, y), width in zip(np.rint(local * scale).astype(int), widths_px, strict=True):
        cv2.circle(canvas, (int(x), int(y)), round(width / 2 * scale), 255, -1, cv2.LINE_AA, SHIFT_BITS)
    return canvas.astype(np.float32) / np.float32(255)


@dataclass(frozen=True)
class BlobShape:
    """A closed outline: radius around a centre, wavy by a few harmonics."""

    x: float
    y: float
    radius_px: float
    stretch: float
    angle: float
    harmonics: npt.NDArray[np.float32]

    @property
    def reach_px(self) -> float:
        return self.radius_px * max(self.stretch, 1 / self.stretch) * 1.5

    def distance(self, window: Window) -> tuple[Plane, Plane, Plane]:
        """(distance from the centre in radii: 1.0 on the outline, x offset, y offset), each (h, w)."""
        x = np.arange(window.left, window.right, dtype=np.float32)[None, :] - np.float32(self.x)
        y = np.arange(window.top, window.bottom, dtype=np.float32)[:, None] - np.float32(self.y)
        cosine, sine = np.float32(np.cos(self.angle)), np.float32(np.sin(self.angle))
        along = (x * cosine + y * sine) / np.float32(self.stretch)
        across = (-x * sine + y * cosine) * np.float32(self.stretch)
        theta = np.arctan2(across, along)
        radius = np.full_like(theta, 1.0)
        for order, (amplitude, phase) in enumerate(self.harmonics, start=2):
            radius += amplitude * np.cos(order * theta + phase)
        distance = np.hypot(along, across) / (radius * np.float32(self.radius_px))
        return np.asarray(distance, np.float32), x + 0 * y, y + 0 * x


def random_blob(
    rng: np.random.Generator, x: float, y: float, radius_px: float, *, waviness: float, orders: int
) -> BlobShape:
    """A blob whose outline strays about `waviness` (0–0.4) of its radius."""
    amplitude = rng.uniform(-1, 1, orders) * waviness / np.arange(1, orders + 1) ** 0.7
    phase = rng.uniform(0, 2 * np.pi, orders)
    return BlobShape(
        x=x,
        y=y,
        radius_px=radius_px,
        stretch=float(rng.uniform(0.8, 1.25)),
        angle=float(rng.uniform(0, np.pi)),
        harmonics=np.column_stack([amplitude, phase]).astype(np.float32),
    )


def smoothstep(values: Plane, zero_at: float, one_at: float) -> Plane:
    """0 at `zero_at`, 1 at `one_at`, smooth between, flat outside."""
    t = np.clip((values - zero_at) / (one_at - zero_at), 0, 1)
    return t * t * (3 - 2 * t)


def wandering_line(
    rng: np.random.Generator,
    start: tuple[float, float],
    angle: float,
    length_px: float,
    *,
    step_px: float,
    drift: float,
    jitter: float,
) -> npt.NDArray[np.float64]:
    """Points (N, 2) of a line whose direction drifts smoothly and jitters at every step (radians)."""
    count = max(3, round(length_px / step_px))
    bend = np.cumsum(rng.normal(0, drift, count))
    heading = angle + bend + rng.normal(0, jitter, count)
    steps = step_px * np.column_stack([np.cos(heading), np.sin(heading)])
    return np.vstack([np.zeros((1, 2)), np.cumsum(steps, axis=0)]) + start
