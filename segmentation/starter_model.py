"""Makes the starter model in `segmentation/starter/`: run `make starter-model`.

Everything is drawn by `segmentation.scenes`, so anybody can make it again. Training is by epochs and seeded: the
same machine and library versions give the same weights.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import platform
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import segmentation_models_pytorch as smp
import timm
import torch
from tqdm import tqdm

from segmentation.augment import Augmentation
from segmentation.evaluate import Evaluation, evaluate
from segmentation.operating_point import choose_operating_point
from segmentation.pairs import Pair
from segmentation.scenes import SCENE_LABELS, draw_scene, random_defects
from segmentation.segmenter import Segmenter
from segmentation.spec import ModelSpec
from segmentation.train import TrainSettings, train
from segmentation.weights import save_model

FOLDER = Path(__file__).parent / "starter"
# One seed a split: no test scene can have been seen in training.
SEEDS = {"train": 11, "validation": 12, "test": 13}
COUNTS = {"train": 1500, "validation": 120, "test": 400}
CLEAN_FRACTION = 0.4

SPEC = ModelSpec(
    architecture="unet",
    labels=SCENE_LABELS,
    encoder="tu-mobilenetv4_conv_small_050",
    options={"decoder_channels": [64, 48, 32, 24, 16]},
)
SETTINGS = TrainSettings(
    epochs=3,
    crop_px=192,
    patience=None,
    rare_share=0.7,
    augmentation=Augmentation(quarter_turns=True, zoom=(0.8, 1.25), contrast=0.2),
)


def scene_pairs(split: str, count: int) -> list[Pair]:
    """Scenes of one split, drawn when read; scene 7 is the same however many there are."""
    return [_scene_pair(split, number) for number in range(count)]


def _scene_pair(split: str, number: int) -> Pair:
    def read() -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng([SEEDS[split], number])
        scene = draw_scene(rng, defects=random_defects(rng, CLEAN_FRACTION))
        return scene.rgb, scene.mask

    return Pair(name=f"{split}-{number}", read=read)


def make(folder: Path, spec: ModelSpec, settings: TrainSettings, counts: dict[str, int]) -> Evaluation:
    """Train, choose the operating point on the validation scenes, save, and score what was saved."""
    epoch = None
    with tqdm(total=100, unit="%", bar_format="{l_bar}{bar}| {elapsed} {postfix}") as bar:
        pairs = {split: scene_pairs(split, count) for split, count in counts.items()}
        for epoch in train(pairs["train"], pairs["validation"], spec, settings):
            bar.update(round(100 * epoch.progress_fraction) - bar.n)
            bar.set_postfix_str(f"validation mean IoU {epoch.mean_iou or 0:.3f}")
    if epoch is None:
        raise ValueError("nothing was trained: the settings leave no time for a single epoch")
    point = choose_operating_point(epoch.outcomes)
    final = dataclasses.replace(spec, min_region_px=point.min_region_px)
    save_model(folder, final, epoch.module, card="", dtype=torch.float16)
    result = evaluate(Segmenter(folder, device="cpu"), pairs["test"])
    steps = epoch.steps
    save_model(
        folder, final, epoch.module, card=card(final, settings, counts, result, steps), dtype=torch.float16
    )
    return result
