"""A small labelled data set on disk, for tests of what a project makes of it."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np

from segmentation.datasets import open_writer
from segmentation.spec import LabelSpec

LABELS = (LabelSpec(0, "background", "#808080"), LabelSpec(1, "Rust", "#dc1e1e", True), LabelSpec(2, "dent", "#00aa00"))
KINDS = ((), (1,), (2,), (1,), ())
"""Labels of the first picture, the second, and so on, again from the start after five."""


def photo(seed: int) -> np.ndarray:
    """uint8 (24, 32, 3), unlike any other."""
    return np.random.default_rng(seed).integers(0, 256, (24, 32, 3)).astype(np.uint8)


def drawn(*labels: int) -> np.ndarray:
    """A box of 24 px for each label."""
    mask = np.zeros((24, 32), np.uint8)
    for label in labels:
        mask[4 * label : 4 * label + 3, 4:12] = label
    return mask


def write_set(path: Path, format_: str = "folder", *, validation_kinds: tuple[tuple[int, ...], ...] = KINDS) -> Path:
    """15 training, 5 validation and 5 test pictures; two of five have rust, one a dent."""
    with open_writer(format_, path, LABELS) as writer:
        for number in range(15):
            writer.add(f"part-{number:02}", photo(number), drawn(*KINDS[number % 5]), split="train")
        for number in range(5):
            kind = validation_kinds[number % len(validation_kinds)]
            writer.add(f"val-{number}", photo(100 + number), drawn(*kind), split="val")
            writer.add(f"test-{number}", photo(200 + number), drawn(*KINDS[number % 5]), split="test")
    return path


def zipped(path: Path) -> bytes:
    """The folder in a ZIP, wrapped in a folder as most programs do."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for file in sorted(path.rglob("*")):
            archive.write(file, f"wrapped/{file.relative_to(path)}")
    return stream.getvalue()
