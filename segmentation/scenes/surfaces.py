"""Clean surfaces, before any defect: float32 (H, W, 3) RGB, 0–1, lit evenly."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from segmentation.scenes.shapes import Picture, Plane

STEEL = np.array([[0.93, 0.97, 1.00], [0.97, 0.98, 0.98], [1.00, 0.96, 0.90], [0.98, 0.95, 0.93]], np.float32)
GLAZES = np.array(
    [
        [0.86, 0.86, 0.84],
        [0.85, 0.81, 0.73],
        [0.70, 0.78, 0.78],
        [0.60, 0.68, 0.64],
        [0.72, 0.74, 0.80],
        [0.74, 0.60, 0.50],
    ],
    np.float32,
)


def cloud(rng: np.random.Generator, width: int, height: int, cell_px: float) -> Plane:
    """Smooth random field (H, W), about -1 to 1, whose bumps are about `cell_px` wide."""
    rows = max(2, round(height / cell_px) + 1)
    columns = max(2, round(width / cell_px) + 1)
    coarse = rng.uniform(-1, 1, (rows, columns)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)


def tinted(plane: Plane, colour: npt.NDArray[np.float32]) -> Picture:
    """Plane (H, W) times colour (3,) → (H, W, 3); several times faster than broadcasting does it."""
    return cv2.merge([plane * channel for channel in colour])


def metal(rng: np.random.Generator, width: int, height: int) -> Picture:
    """Brushed sheet metal: streaks along one direction and a highlight band across them."""
    grain = rng.standard_normal((height, width), dtype=np.float32)
    long_px = int(rng.integers(50, 110))
    streaks = 0.20 * cv2.blur(grain, (long_px * 2 + 1, 1)) * long_px**0.5
    streaks += 0.14 * cv2.blur(grain, (15, 1)) * 4
    lanes = cv2.GaussianBlur(rng.standard_normal((height, 1), dtype=np.float32), (1, 0), 0.0, sigmaY=3.0)
    streaks += 0.6 * lanes
    angle = float(rng.choice([0.0, 90.0])) + float(rng.uniform(-7, 7))
    streaks = _turned(streaks, angle)
    level = float(rng.uniform(0.46, 0.68))
    depth = float(rng.uniform(0.03, 0.075))
    plane = level * (1 + depth * streaks + _highlight(rng, width, height, angle))
    tint = STEEL[rng.integers(len(STEEL))]
    return tinted(plane, tint)


def ceramic(rng: np.random.Generator, width: int, height: int) -> Picture:
    """Glazed ceramic: one even colour, faint mottling, orange peel, sometimes flecks fired into the glaze."""
    colour = GLAZES[rng.integers(len(GLAZES))] * float(rng.uniform(0.88, 1.06))
    mottle = 0.6 * cloud(rng, width, height, 70) + 0.4 * cloud(rng, width, height, 18)
    peel = cv2.GaussianBlur(rng.standard_normal((height, width), dtype=np.float32), (0, 0), 1.6)
    plane = 1 + float(rng.uniform(0.008, 0.03)) * mottle + float(rng.uniform(0.008, 0.03)) * peel
    picture = tinted(plane, colour)
    if rng.random() < 0.4:
        _flecks(rng, picture)
    return picture


def _turned(plane: Plane, angle: float) -> Plane:
    """Turn the streaks about the middle; mirrored corners keep the frame full."""
    height, width = plane.shape
    if abs(angle) > 45:
        plane = np.ascontiguousarray(cv2.resize(plane.T, (width, height), interpolation=cv2.INTER_LINEAR))
        angle -= 90
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1.0)
    turned = cv2.warpAffine(plane, turn, (width, height), borderMode=cv2.BORDER_REFLECT)
    return np.asarray(turned, np.float32)


def _highlight(rng: np.random.Generator, width: int, height: int, angle: float) -> Plane:
    """Brushed metal answers a lamp with a broad band at right angles to the brushing."""
    radians = np.deg2rad(angle)
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :] * np.float32(np.cos(radians))
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None] * np.float32(-np.sin(radians))
    centre, spread = float(rng.uniform(-0.7, 0.7)), float(rng.uniform(0.25, 0.6))
    band = np.exp(-(((x + y - centre) / spread) ** 2))
    return np.asarray(float(rng.uniform(0.05, 0.28)) * band, np.float32)


def _flecks(rng: np.random.Generator, picture: Picture) -> None:
    height, width = picture.shape[:2]
    for _ in range(int(rng.integers(30, 140))):
        x, y = int(rng.integers(width)), int(rng.integers(height))
        shade = float(rng.uniform(0.72, 0.95))
        patch = picture[max(0, y - 1) : y + 1, max(0, x - 1) : x + 1]
        patch *= shade
