"""Makes the starter model in `segmentation/starter/`: run `make starter-model`.

Everything is drawn by `segmentation.scenes`, so anybody can make it again. Training is by epochs and seeded:
the same machine and library versions give the same weights.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from tqdm import tqdm

from segmentation.augment import Augmentation
from segmentation.evaluation import Evaluation, evaluate
from segmentation.finishing import finished_spec
from segmentation.model_card import model_card
from segmentation.operating_point import choose_operating_points, with_operating_point
from segmentation.pairs import Pair
from segmentation.scenes import SCENE_LABELS, draw_scene, random_defects
from segmentation.segmenter import Segmenter
from segmentation.spec import ModelSpec
from segmentation.train import TrainSettings, train
from segmentation.weights import save_model

FOLDER = Path(__file__).parent / "starter"
# One seed a split: no test scene can have been seen in training.
SEEDS = {"train": 11, "validation": 12, "test": 13}
COUNTS = {"train": 800, "validation": 80, "test": 300}
CLEAN_FRACTION = 0.4

SPEC = ModelSpec(
    architecture="unet",
    labels=SCENE_LABELS,
    encoder="tu-mobilenetv4_conv_small_050",
    options={"decoder_channels": [64, 48, 32, 16, 8]},
)
SETTINGS = TrainSettings(
    epochs=9,
    crop_px=192,
    learning_rate=3e-3,
    device="cpu",
    patience=None,
    rare_share=0.7,
    augmentation=Augmentation(quarter_turns=True, zoom=(0.8, 1.25), contrast=0.2),
)


def scene_pairs(split: str, count: int) -> list[Pair]:
    """Scenes of one split, drawn when read; scene 7 is the same however many there are."""
    return [_scene_pair(split, number) for number in range(count)]


def _scene_pair(split: str, number: int) -> Pair:
    def read() -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
        rng = np.random.default_rng([SEEDS[split], number])
        scene = draw_scene(rng, defects=random_defects(rng, CLEAN_FRACTION))
        return scene.rgb, scene.mask

    return Pair(name=f"{split}-{number}", read=read)


def make(folder: Path, spec: ModelSpec, settings: TrainSettings, counts: Mapping[str, int]) -> Evaluation:
    """Train, choose the operating point on the validation scenes, save, and score what was saved."""
    pairs = {split: scene_pairs(split, count) for split, count in counts.items()}
    with tqdm(total=100, unit="%", bar_format="{l_bar}{bar}| {elapsed} {postfix}") as bar:
        for epoch in train(pairs["train"], pairs["validation"], spec, settings):
            bar.update(round(100 * epoch.progress_fraction) - bar.n)
            bar.set_postfix_str(f"validation mean IoU {epoch.mean_iou or 0:.3f}")
            if epoch.is_best:
                # after every better epoch, so that an interrupted run leaves a model behind
                final = with_operating_point(spec, choose_operating_points(epoch.outcomes))
                _save(folder, final, epoch.module, "Training was not finished; this model was never scored.\n")
    final = finished_spec(spec, epoch.module, epoch.outcomes, pairs["validation"], device="cpu")
    _save(folder, final, epoch.module, "Not scored yet.\n")
    result = evaluate(Segmenter(folder, device="cpu"), pairs["test"])
    _save(folder, final, epoch.module, _card(final, settings, counts, result, epoch.steps))
    return result


def _save(folder: Path, spec: ModelSpec, module: nn.Module, card: str) -> None:
    """Half precision on disk halves the file; loading gives float32 again, so every machine computes alike."""
    save_model(folder, spec, module, card=card, dtype=torch.float16)


def _card(spec: ModelSpec, settings: TrainSettings, counts: Mapping[str, int], result: Evaluation, steps: int) -> str:
    return model_card(
        title="Starter model",
        summary=(
            "Marks scratches, cracks, pits and stains on the drawn surfaces of the example project. It shows"
            " how Pixelwise works from the first minute on; it is no model for a real line. Made by"
            " `make starter-model`."
        ),
        data=(
            "Only drawn pictures: `segmentation.scenes`, brushed metal and glazed ceramic, 640×480 pixels,"
            f" {CLEAN_FRACTION:.0%} without a defect. No photo was used, and no weights of anybody else.",
            f"Training: {counts['train']} scenes (seed {SEEDS['train']}).",
            f"Validation, for the best epoch, the operating points and the temperature: {counts['validation']} scenes"
            f" (seed {SEEDS['validation']}).",
            f"Test, for the scores below only: {counts['test']} scenes (seed {SEEDS['test']}).",
        ),
        spec=spec,
        settings=settings,
        steps=steps,
        evaluation=result,
        evaluated_on=f"{counts['test']} drawn scenes it has never seen",
        limits=(
            "The scores hold for drawn scenes. On photos of real parts expect it to miss and to invent"
            " defects: label some of your own pictures and train on them.",
            "Truth is exact to the pixel here, as no person's labels are.",
            "Faint defects under noise are missed most; thin lines (scratch, crack) lose IoU at their edges.",
        ),
        licence="The weights are under the licence of Pixelwise itself.",
    )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m segmentation.starter_model", description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where to write the model")
    parser.add_argument("--epochs", type=int, default=SETTINGS.epochs)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    result = make(options.folder, SPEC, dataclasses.replace(SETTINGS, epochs=options.epochs), COUNTS)
    sys.stdout.write(json.dumps(result.as_json()) + "\n")


if __name__ == "__main__":
    main()
