"""What a camera sees that is no defect: reflections, dust, machining marks. They leave the truth alone."""

from __future__ import annotations

import cv2
import numpy as np

from segmentation.scenes.defects import Canvas
from segmentation.scenes.shapes import (
    EDGE_PX,
    Picture,
    smoothstep,
    stroke_coverage,
    wandering_line,
    window_around,
)
from segmentation.scenes.surfaces import cloud, tinted


def add_reflection(rng: np.random.Generator, canvas: Canvas) -> None:
    """The soft-edged bright patch of a lamp."""
    x, y = canvas.spot(rng, 0.0)
    half_width = float(rng.uniform(0.08, 0.3)) * canvas.width
    half_height = float(rng.uniform(0.05, 0.2)) * canvas.height
    angle = float(rng.uniform(-0.5, 0.5))
    across = np.arange(canvas.width, dtype=np.float32)[None, :] - np.float32(x)
    down = np.arange(canvas.height, dtype=np.float32)[:, None] - np.float32(y)
    cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    u = np.abs(across * cosine + down * sine) / half_width
    v = np.abs(-across * sine + down * cosine) / half_height
    squared = np.asarray(u**3 + v**3, np.float32)
    glow = float(rng.uniform(0.04, 0.16)) * smoothstep(squared, 2.6, 0.0)
    canvas.picture[...] += glow[:, :, None]


def add_dust(rng: np.random.Generator, canvas: Canvas) -> None:
    """Pale specks and a fibre or two lying on the surface: smaller and fainter than any defect."""
    for _ in range(int(rng.integers(4, 26))):
        x, y = canvas.spot(rng, 0.0)
        tone = float(rng.uniform(0.04, 0.16))
        patch = canvas.picture[int(y) : int(y) + 2, int(x) : int(x) + int(rng.integers(1, 3))]
        patch += tone
    for _ in range(int(rng.integers(0, 3))):
        points = wandering_line(
            rng,
            canvas.spot(rng),
            float(rng.uniform(0, 6.28)),
            float(rng.uniform(14, 34)) * canvas.scale,
            step_px=3,
            drift=0.25,
            jitter=0.02,
        )
        window = window_around(points, EDGE_PX, canvas.width, canvas.height)
        if window.is_empty:
            continue
        cover = stroke_coverage(points, np.full(len(points), 1.1), window)
        canvas.picture[window.slices] += (float(rng.uniform(0.05, 0.12)) * cover)[:, :, None]


def add_machining_marks(rng: np.random.Generator, canvas: Canvas) -> None:
    """Evenly spaced, very faint arcs left by a cutter or a polishing pad; regular where scratches are not."""
    centre_x = float(rng.uniform(-1.2, 2.2)) * canvas.width
    centre_y = float(rng.choice([-1, 1]) * rng.uniform(1.2, 2.6) + 0.5) * canvas.height
    x = np.arange(canvas.width, dtype=np.float32)[None, :] - np.float32(centre_x)
    y = np.arange(canvas.height, dtype=np.float32)[:, None] - np.float32(centre_y)
    pitch_px = float(rng.uniform(9, 30)) * canvas.scale
    waves = np.cos(np.sqrt(x * x + y * y) * np.float32(2 * np.pi / pitch_px))
    strength = float(rng.uniform(0.006, 0.022)) * (1 if canvas.surface == "metal" else 0.5)
    patchy = 0.6 + 0.4 * cloud(rng, canvas.width, canvas.height, 160 * canvas.scale)
    canvas.picture[...] *= (1 + strength * waves * patchy)[:, :, None]


def photograph(rng: np.random.Generator, picture: Picture, difficulty: float) -> Picture:
    """Uneven light, vignetting, lens blur and sensor noise, as in a camera; changes `picture`."""
    height, width = picture.shape[:2]
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    slope = rng.uniform(-0.14, 0.14, 2).astype(np.float32)
    vignette = float(rng.uniform(0.04, 0.20))
    light = float(rng.uniform(0.86, 1.12)) + slope[0] * x + slope[1] * y - vignette * (x * x + y * y) / 2
    light += float(rng.uniform(0, 0.05)) * cloud(rng, width, height, 220)
    warmth = float(rng.uniform(-0.025, 0.025))
    gain = np.array([1 + warmth, 1, 1 - warmth], np.float32)
    picture *= tinted(light, gain)
    blurred = cv2.GaussianBlur(picture, (0, 0), 0.45 + 0.55 * difficulty)
    noise = rng.standard_normal((height, width), dtype=np.float32) * np.float32(0.005 + 0.016 * difficulty)
    return np.asarray(blurred + cv2.merge([noise, noise, noise]), np.float32)
