"""Scratches, cracks, pits and stains: each darkens or brightens the picture and writes its exact truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from segmentation.scenes.shapes import (
    EDGE_PX,
    Mask,
    Picture,
    Plane,
    random_blob,
    smoothstep,
    stroke_coverage,
    wandering_line,
    window_around,
)
from segmentation.scenes.surfaces import cloud

SCRATCH, CRACK, PIT, STAIN = 1, 2, 3, 4


@dataclass(frozen=True)
class Canvas:
    """What a defect is drawn on: picture float32 (H, W, 3) 0–1 and truth uint8 (H, W), both changed in place.

    `contrast` scales how much a defect stands out (1 = plain, 0.4 = hard to see); `light` is the angle that
    light falls from, in radians.
    """

    picture: Picture
    truth: Mask
    surface: str
    contrast: float
    light: float

    @property
    def width(self) -> int:
        return int(self.truth.shape[1])

    @property
    def height(self) -> int:
        return int(self.truth.shape[0])

    @property
    def scale(self) -> float:
        """Defects keep their share of the picture: 1.0 at 480 rows."""
        return min(self.width, self.height) / 480

    def spot(self, rng: np.random.Generator, margin_fraction: float = 0.08) -> tuple[float, float]:
        low, high = margin_fraction, 1 - margin_fraction
        return float(rng.uniform(low, high) * self.width), float(rng.uniform(low, high) * self.height)


def draw_scratch(rng: np.random.Generator, canvas: Canvas) -> None:
    """One to three nearly parallel tool marks: thin, gently curved, tapering, one edge lit, one in shadow."""
    x, y = canvas.spot(rng, 0.12)
    angle = float(rng.uniform(0, 2 * np.pi))
    length = float(rng.uniform(70, 320)) * canvas.scale
    for _ in range(int(rng.choice([1, 1, 1, 2, 3]))):
        points = wandering_line(
            rng,
            (x, y),
            angle + float(rng.normal(0, 0.03)),
            length * float(rng.uniform(0.6, 1)),
            step_px=6 * canvas.scale,
            drift=0.012,
            jitter=0.01,
        )
        widths = float(rng.uniform(1.8, 3.2)) * _taper(len(points), 0.25)
        _engrave(rng, canvas, points, widths)
        x += float(rng.normal(0, 9)) * canvas.scale
        y += float(rng.normal(0, 9)) * canvas.scale


def draw_crack(rng: np.random.Generator, canvas: Canvas) -> None:
    """A dark, thin, jagged line that forks, as brittle material breaks."""
    length = float(rng.uniform(90, 300)) * canvas.scale
    trunk = _crack_line(rng, canvas.spot(rng, 0.15), float(rng.uniform(0, 2 * np.pi)), length, canvas.scale)
    width = float(rng.uniform(1.9, 3.6))
    lines = [(trunk, width * _taper(len(trunk), 0.5))]
    for _ in range(int(rng.integers(0, 5))):
        at = int(rng.integers(len(trunk) // 5, len(trunk) - 2))
        along = trunk[at + 1] - trunk[at]
        fork = float(np.arctan2(along[1], along[0])) + float(rng.choice([-1, 1]) * rng.uniform(0.4, 1.1))
        reach = length * float(rng.uniform(0.15, 0.5))
        branch = _crack_line(rng, tuple(trunk[at]), fork, reach, canvas.scale)
        lines.append((branch, width * 0.75 * _taper(len(branch), 0.9, start=False)))
    points = np.vstack([line for line, _ in lines])
    window = window_around(points, EDGE_PX, canvas.width, canvas.height)
    if window.is_empty:
        return
    cover = np.max([stroke_coverage(line, widths, window) for line, widths in lines], axis=0)
    depth = min(0.85, float(rng.uniform(0.5, 0.75)) * canvas.contrast)
    part = canvas.picture[window.slices]
    part *= 1 - depth * cover[:, :, None]
    part += (0.10 * canvas.contrast * _lit_edge(cover, canvas.light))[:, :, None]
    canvas.truth[window.slices][cover >= 0.5] = CRACK


def draw_pit(rng: np.random.Generator, canvas: Canvas) -> None:
    """A small crater: dark inside, its far rim catching the light; now and then a few together."""
    x, y = canvas.spot(rng)
    for _ in range(int(rng.choice([1, 1, 1, 2, 4]))):
        radius = float(rng.uniform(4.5, 15)) * canvas.scale
        shape = random_blob(rng, x, y, radius, waviness=0.13, orders=4)
        window = window_around(np.array([[x, y]]), shape.reach_px + EDGE_PX, canvas.width, canvas.height)
        if not window.is_empty:
            distance, across, down = shape.distance(window)
            side = across * np.cos(canvas.light) + down * np.sin(canvas.light)
            side /= np.maximum(np.hypot(across, down), 1)
            depth = min(0.85, float(rng.uniform(0.4, 0.7)) * canvas.contrast)
            shade = smoothstep(distance, 1.06, 0.75) * (1 - 0.45 * np.clip(-side, 0, 1))
            rim = smoothstep(np.abs(distance - 1.08), 0.3, 0.0) * np.clip(-side, 0, 1)
            part = canvas.picture[window.slices]
            part *= (1 - depth * shade)[:, :, None]
            part += (0.22 * canvas.contrast * rim)[:, :, None]
            canvas.truth[window.slices][distance <= 1] = PIT
        x += float(rng.normal(0, 30)) * canvas.scale
        y += float(rng.normal(0, 30)) * canvas.scale


def draw_stain(rng: np.random.Generator, canvas: Canvas) -> None:
    """A discoloured patch with a tide mark: oil, rust or heat on metal; smoke or glaze on ceramic."""
    x, y = canvas.spot(rng, 0.15)
    radius = float(rng.uniform(24, 78)) * canvas.scale
    shape = random_blob(rng, x, y, radius, waviness=0.22, orders=6)
    window = window_around(np.array([[x, y]]), shape.reach_px + EDGE_PX, canvas.width, canvas.height)
    if window.is_empty:
        return
    distance, _, _ = shape.distance(window)
    rows, columns = distance.shape
    distance = distance + 0.05 * cloud(rng, columns, rows, 9 * canvas.scale)
    tide = smoothstep(np.abs(distance - 0.93), 0.16, 0.0)
    body = 0.62 + 0.2 * cloud(rng, columns, rows, radius * 0.6) + float(rng.uniform(0.1, 0.4)) * tide
    alpha = smoothstep(distance, 1.07, 0.93) * np.clip(body, 0, 1)
    choices = METAL_STAINS if canvas.surface == "metal" else CERAMIC_STAINS
    tint = 1 - np.minimum(0.8, (1 - choices[rng.integers(len(choices))]) * canvas.contrast)
    canvas.picture[window.slices] *= 1 - alpha[:, :, None] * (1 - tint)
    canvas.truth[window.slices][distance <= 1] = STAIN


METAL_STAINS = np.array([[0.52, 0.44, 0.34], [0.66, 0.42, 0.26], [0.50, 0.54, 0.66], [0.56, 0.53, 0.50]], np.float32)
CERAMIC_STAINS = np.array([[0.74, 0.60, 0.38], [0.60, 0.58, 0.57], [0.62, 0.70, 0.58], [0.78, 0.56, 0.46]], np.float32)

DRAW: dict[str, Callable[[np.random.Generator, Canvas], None]] = {
    "scratch": draw_scratch,
    "crack": draw_crack,
    "pit": draw_pit,
    "stain": draw_stain,
}


def _engrave(
    rng: np.random.Generator,
    canvas: Canvas,
    points: npt.NDArray[np.float64],
    widths_px: npt.NDArray[np.float64],
) -> None:
    window = window_around(points, EDGE_PX, canvas.width, canvas.height)
    if window.is_empty:
        return
    cover = stroke_coverage(points, widths_px, window)
    bright = rng.random() < (0.75 if canvas.surface == "metal" else 0.3)
    tone = float(rng.uniform(0.22, 0.36)) * canvas.contrast * (1 if bright else -0.8)
    edge = _lit_edge(cover, canvas.light)
    rows, columns = cover.shape
    pressure = 0.85 + 0.3 * cloud(rng, columns, rows, 14 * canvas.scale)
    canvas.picture[window.slices] += (tone * pressure * cover + 0.12 * canvas.contrast * edge)[:, :, None]
    canvas.truth[window.slices][cover >= 0.5] = SCRATCH


def _lit_edge(cover: Plane, light: float) -> Plane:
    """+ on the edge that faces the light, - on the edge in shadow."""
    shift = np.array([[1, 0, 1.2 * np.cos(light)], [0, 1, 1.2 * np.sin(light)]], np.float32)
    moved = cv2.warpAffine(cover, shift, (cover.shape[1], cover.shape[0]))
    return moved - cover


def _crack_line(
    rng: np.random.Generator, start: tuple[float, ...], angle: float, length_px: float, scale: float
) -> npt.NDArray[np.float64]:
    return wandering_line(rng, (start[0], start[1]), angle, length_px, step_px=4 * scale, drift=0.10, jitter=0.48)


def _taper(count: int, share: float, *, start: bool = True) -> npt.NDArray[np.float64]:
    """Widths 0.4–1 that fall off over `share` of the line at its ends; 0.4 keeps the tip visible."""
    t = np.linspace(0, 1, count)
    end = np.clip((1 - t) / share, 0, 1)
    begin = np.clip(t / share, 0, 1) if start else np.ones(count)
    return 0.4 + 0.6 * np.minimum(begin, end) ** 0.7
