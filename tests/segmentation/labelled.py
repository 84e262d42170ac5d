"""A small labelled data set, drawn: what the tests of every format write and read."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from segmentation.datasets import open_writer
from segmentation.spec import LabelSpec

LABELS = (
    LabelSpec(0, "background", "#9AA3AD"),
    LabelSpec(1, "crack", "#D55E00", is_defect=True),
    LabelSpec(4, "stamp", "#56B4E9"),
)
NAMES = {"train": ("one", "line 2/two"), "val": ("three",), "test": ("four",)}
DRAWN = {"one": (1,), "line 2/two": (1, 4), "three": (4,), "four": ()}


def picture(seed: int, width: int = 40, height: int = 30) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


def mask(*labels: int, width: int = 40, height: int = 30) -> np.ndarray:
    """Two touching boxes of each label, the later one over the earlier; the first pixel is not judged."""
    drawn = np.zeros((height, width), np.uint8)
    for place, label in enumerate(labels):
        drawn[5 + 3 * place : 9 + 3 * place, 10:20] = label
        drawn[20:24, 5 + 9 * place : 10 + 9 * place] = label
    drawn[0, 0] = 255
    return drawn


def write_drawn(format_: str, path: Path) -> Path:
    """Four pictures: two to train, one to validate, one to test."""
    with open_writer(format_, path, LABELS) as writer:
        for split, names in NAMES.items():
            for name in names:
                writer.add(name, picture(len(name)), mask(*DRAWN[name]), split=split)
    return path


def named(drawn: np.ndarray, labels: tuple[LabelSpec, ...]) -> np.ndarray:
    """The mask with names instead of indices, so that sets with other indices can be compared."""
    names = np.full(256, "?", dtype="<U20")
    names[255] = "ignored"
    for label in labels:
        names[label.index] = label.name
    return names[drawn]
