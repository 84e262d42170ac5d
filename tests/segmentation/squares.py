"""Coloured squares on grey, and the smallest network that learns them: what the training tests train."""

from __future__ import annotations

import numpy as np

from segmentation.augment import NO_AUGMENTATION
from segmentation.pairs import Pair
from segmentation.spec import LabelSpec, ModelSpec
from segmentation.train_settings import TrainSettings

LABELS = (
    LabelSpec(0, "background", "#808080"),
    LabelSpec(1, "red", "#DC1E1E", is_defect=True),
    LabelSpec(2, "blue", "#1E3CDC", is_defect=True),
    LabelSpec(3, "never seen", "#00FF00", is_defect=True),
)
SPEC = ModelSpec(
    "unet", LABELS, encoder="tu-test_resnet", options={"encoder_depth": 3, "decoder_channels": [16, 16, 16]}
)
SETTINGS = TrainSettings(
    epochs=2,
    chunk_size=4,
    crop_px=64,
    learning_rate=5e-3,
    averaging=0.8,
    augmentation=NO_AUGMENTATION,
    device="cpu",
)


def pair(number: int, *, labels: tuple[int, ...] = (1, 2), ignored: bool = False) -> Pair:
    """Grey with a red and a blue square at random places, a little noise."""

    def read() -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(number)
        mask = np.zeros((64, 80), np.uint8)
        for label in labels:
            x, y, side = rng.integers(0, 60), rng.integers(0, 44), rng.integers(10, 20)
            mask[y : y + side, x : x + side] = label
        colors = np.array([label.rgb for label in LABELS], np.int64)
        rgb = colors[mask % len(LABELS)] + rng.integers(-12, 13, (64, 80, 3))
        if ignored:
            mask[:] = 255
        return np.clip(rgb, 0, 255).astype(np.uint8), mask

    return Pair(f"picture {number}", read)


TRAIN, VALIDATION = [pair(number) for number in range(16)], [pair(100 + number) for number in range(4)]
