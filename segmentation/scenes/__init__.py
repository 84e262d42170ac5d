"""Drawn inspection scenes with exact truth, for the example project, tests, benchmarks and the starter model.

Everything is drawn by NumPy and OpenCV from one random generator: the same seed gives the same scene.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from segmentation.scenes.defects import DRAW, Canvas
from segmentation.scenes.distractors import add_dust, add_machining_marks, add_reflection, photograph
from segmentation.scenes.surfaces import ceramic, metal
from segmentation.spec import LabelSpec

# Okabe and Ito, "Color Universal Design", 2008: told apart by people with any common colour blindness.
SCENE_LABELS: tuple[LabelSpec, ...] = (
    LabelSpec(0, "background", "#9AA3AD"),
    LabelSpec(1, "scratch", "#56B4E9", is_defect=True),
    LabelSpec(2, "crack", "#D55E00", is_defect=True),
    LabelSpec(3, "pit", "#CC79A7", is_defect=True),
    LabelSpec(4, "stain", "#009E73", is_defect=True),
)
DEFECT_KINDS: tuple[str, ...] = tuple(DRAW)
SURFACES: tuple[str, ...] = ("metal", "ceramic")


@dataclass(frozen=True)
class Scene:
    """A drawn picture, rgb uint8 (H, W, 3), and its truth, mask uint8 (H, W) of `SCENE_LABELS` indices."""

    rgb: npt.NDArray[np.uint8]
    mask: npt.NDArray[np.uint8]
    surface: str

    @property
    def has_defect(self) -> bool:
        return bool(self.mask.any())


def draw_scene(
    rng: np.random.Generator,
    *,
    width: int = 640,
    height: int = 480,
    surface: str | None = None,
    defects: Mapping[str, int] | None = None,
    difficulty: float | None = None,
) -> Scene:
    """Draw one picture of a surface with the defects asked for.

    `surface`: "metal" or "ceramic"; None draws lots. `defects`: how many of each kind ("scratch", "crack",
    "pit", "stain"), {} for a clean surface; None draws lots (four in ten clean). `difficulty`: 0 = strong
    defects in a clean picture, 1 = faint defects under noise and blur; None draws lots. Stains are drawn
    first; a defect drawn later covers an earlier one, in the truth as well.
    ValueError for a surface or kind that does not exist, or a picture under 64 pixels a side.
    """
    if min(width, height) < 64:
        raise ValueError(f"a scene needs at least 64×64 pixels, asked for {width}×{height}")
    surface = surface or str(rng.choice(SURFACES))
    if surface not in SURFACES:
        raise ValueError(f"surface must be one of {', '.join(SURFACES)}, got {surface!r}")
    if defects is None:
        defects = random_defects(rng)
    unknown = sorted(set(defects) - set(DRAW))
    if unknown:
        raise ValueError(f"defects must be among {', '.join(DRAW)}, got {', '.join(unknown)}")
    level = float(rng.uniform(0, 1)) if difficulty is None else difficulty
    canvas = Canvas(
        picture=metal(rng, width, height) if surface == "metal" else ceramic(rng, width, height),
        truth=np.zeros((height, width), np.uint8),
        surface=surface,
        contrast=float(rng.uniform(0.9, 1.15)) * (1.1 - 0.55 * level),
        light=float(rng.uniform(0, 2 * np.pi)),
    )
    _draw_all(rng, canvas, defects)
    rgb = photograph(rng, canvas.picture, level)
    np.maximum(rgb, 0, out=rgb)
    pixels = np.asarray(cv2.convertScaleAbs(rgb, alpha=255), np.uint8)
    return Scene(rgb=pixels, mask=canvas.truth, surface=surface)


def random_defects(rng: np.random.Generator, clean_fraction: float = 0.4) -> dict[str, int]:
    """Lots for a picture's defects: none in `clean_fraction`, else one to three kinds of one or two each."""
    if rng.random() < clean_fraction:
        return {}
    kinds = rng.choice(DEFECT_KINDS, size=int(rng.choice([1, 1, 1, 2, 2, 3])), replace=False)
    return {str(kind): int(rng.choice([1, 1, 2])) for kind in kinds}


def _draw_all(rng: np.random.Generator, canvas: Canvas, defects: Mapping[str, int]) -> None:
    if rng.random() < 0.35:
        add_machining_marks(rng, canvas)
    for kind in sorted(defects, key=lambda name: name != "stain"):
        for _ in range(defects[kind]):
            DRAW[kind](rng, canvas)
    if rng.random() < 0.4:
        add_reflection(rng, canvas)
    if rng.random() < 0.6:
        add_dust(rng, canvas)
