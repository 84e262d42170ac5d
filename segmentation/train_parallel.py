"""Train on several GPUs, started by torchrun, one process for each GPU:

    torchrun --standalone --nproc-per-node 4 -m segmentation.train_parallel DATASET MODEL --architecture unet

DATASET is a labelled data set in any format that `segmentation.datasets` reads, MODEL the folder to write. Without
GPUs the processes share the CPU. The network, its input and its learning rate are chosen as `manage.py train` chooses
them. Prints a JSON object for every epoch. See `segmentation.parallel` for what is equal to a training in one process.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import distributed

from segmentation.architectures_catalogue import CATALOGUE
from segmentation.augment_presets import PRESETS
from segmentation.datasets import LabelledDataset, open_dataset
from segmentation.evaluation import evaluate
from segmentation.finishing import finished_spec
from segmentation.loss_catalogue import AUTOMATIC, LOSS_FACTS
from segmentation.model_card import CHOSEN_ON_VALIDATION, LICENCE_OF_THE_PHOTOS, model_card
from segmentation.operating_point import choose_operating_points, with_operating_point
from segmentation.pairs import Pair
from segmentation.parallel import World, local_rank
from segmentation.recipe import recipe_settings, recipe_spec
from segmentation.segmenter import Segmenter, pick_device
from segmentation.spec import IGNORE_INDEX, LabelSpec, ModelSpec
from segmentation.train import Epoch, TrainSettings, train
from segmentation.transfer import HUB, RANDOM, SPEC_FILE, model_start, weights_of
from segmentation.typed_options import json_object
from segmentation.weights import load_spec, save_model

USUAL_ARCHITECTURE = "unet"

# The others wait while process 0 judges an epoch.
LONGEST_WAIT = timedelta(hours=2)


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parser().parse_args(arguments)
    has_gpu = torch.cuda.is_available() and options.device != "cpu"
    if has_gpu:
        torch.cuda.set_device(local_rank())
    distributed.init_process_group("nccl" if has_gpu else "gloo", timeout=LONGEST_WAIT)
    try:
        _train(options)
    finally:
        distributed.destroy_process_group()


def _train(options: argparse.Namespace) -> None:
    dataset = open_dataset(options.dataset, format=options.format)
    labels, label_map = _labels(dataset)
    pairs = {split: dataset.pairs(split, label_map) for split in ("train", "val")}
    spec = _spec(options, labels, pairs["train"])
    settings = _settings(options, spec)
    last: Epoch | None = None
    for last in train(pairs["train"], pairs["val"], spec, settings):
        if last.is_best:
            unfinished = with_operating_point(last.spec, choose_operating_points(last.outcomes))
            save_model(options.model, unfinished, last.module, card="Training was not finished.\n")
        sys.stdout.write(json.dumps(_line(last)) + "\n")
        sys.stdout.flush()
    if last is not None:
        _finish(options, dataset, pairs["val"], settings, last)


def _finish(
    options: argparse.Namespace,
    dataset: LabelledDataset,
    validation_pairs: list[Pair],
    settings: TrainSettings,
    last: Epoch,
) -> None:
    """The best weights with their operating point, scores and card."""
    spec = finished_spec(
        last.spec, last.module, last.outcomes, validation_pairs, device=options.device, mirrors=settings.mirrors
    )
    save_model(options.model, spec, last.module, card="Not scored yet.\n")
    scores = evaluate(Segmenter(options.model, device=options.device), validation_pairs)
    processes = "one process" if World.current().size == 1 else f"{World.current().size} processes"
    card = model_card(
        title=f"{spec.architecture} for {dataset.path.name}",
        summary=f"Trained by torchrun in {processes}: the best of {last.index} epochs, number {last.best_index}.",
        data=[
            f"Data set {dataset.path.name} ({dataset.format}), checksum {dataset.checksum()}.",
            *(f"{split}: {len(names)} pictures." for split, names in dataset.splits.items()),
            "Test pictures were never read in training.",
        ],
        spec=spec,
        settings=settings,
        steps=last.steps,
        kept_fraction=last.kept_fraction,
        evaluation=scores,
        evaluated_on="the validation pictures",
        limits=[CHOSEN_ON_VALIDATION],
        licence=LICENCE_OF_THE_PHOTOS,
    )
    save_model(options.model, spec, last.module, card=card)


def _spec(options: argparse.Namespace, labels: tuple[LabelSpec, ...], train_pairs: Sequence[Pair]) -> ModelSpec:
    """The recipe for what was typed; an earlier model brings its own network where none was named."""
    has_gpu = pick_device(options.device).type == "cuda"
    folder = _model_folder(options.start)
    if folder is None:
        architecture = options.architecture or USUAL_ARCHITECTURE
        return recipe_spec(
            architecture, labels, train_pairs, encoder=options.encoder, options=options.options, has_gpu=has_gpu
        )
    start = model_start(folder, options.architecture or "", options.encoder)
    if not start.is_usable:
        raise ValueError(
            f"--start-from {folder}: {start.why} Leave out --architecture and --encoder, or start elsewhere."
        )
    earlier = load_spec(folder)
    is_same = options.architecture in (None, earlier.architecture)
    return recipe_spec(
        options.architecture or earlier.architecture,
        labels,
        train_pairs,
        encoder=earlier.encoder,
        options=earlier.options if is_same and options.options is None else options.options,
        earlier=earlier,
        has_gpu=has_gpu,
    )


def _settings(options: argparse.Namespace, spec: ModelSpec) -> TrainSettings:
    return recipe_settings(
        spec.architecture,
        presets=options.augment,
        epochs=options.epochs,
        minutes=options.minutes,
        chunk_size=options.chunk_size,
        crop_px=options.crop_px,
        loss=options.loss,
        mirrored_views=options.mirrored_views,
        pretrained=_pretrained(options.start, spec),
        initial_model=_model_folder(options.start),
        checkpoint_folder=options.checkpoints,
        device=options.device,
        seed=options.seed,
        patience=options.patience,
    )


def _model_folder(start: str) -> Path | None:
    """Of --start-from, where it names an earlier model."""
    folder = Path(start)
    return folder if (folder / SPEC_FILE).is_file() else None


def _pretrained(start: str, spec: ModelSpec) -> str | Path | None:
    """Of --start-from, where it says where the encoder's weights are."""
    if start == RANDOM or _model_folder(start):
        return None
    if start == HUB:
        return "imagenet"
    return weights_of(spec.encoder or "", Path(start)) or Path(start)


def _labels(dataset: LabelledDataset) -> tuple[tuple[LabelSpec, ...], np.ndarray[Any, np.dtype[np.uint8]]]:
    """Indices without gaps, and the table that turns the data set's into them."""
    label_map = np.full(256, IGNORE_INDEX, np.uint8)
    for place, label in enumerate(dataset.labels):
        label_map[label.index] = place
    labels = tuple(dataclasses.replace(label, index=place) for place, label in enumerate(dataset.labels))
    return labels, label_map


def _line(epoch: Epoch) -> dict[str, Any]:
    shown = ("index", "loss", "validation_loss", "mean_iou", "iou", "is_best", "learning_rate", "seconds", "steps")
    return {name: getattr(epoch, name) for name in shown}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="torchrun -m segmentation.train_parallel", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("dataset", type=Path)
    parser.add_argument("model", type=Path, help="folder to write the best weights to")
    parser.add_argument("--format", help="of the data set; default: recognised")
    parser.add_argument(
        "--architecture",
        choices=[name for name, facts in CATALOGUE.items() if facts.is_trainable],
        metavar="NAME",
        help=f"default: {USUAL_ARCHITECTURE}, or the earlier model's",
    )
    parser.add_argument("--encoder", metavar="NAME", help="default: the architecture's, or the earlier model's")
    parser.add_argument(
        "--options", type=json_object, metavar="JSON", help="of the architecture; default: those that suit it"
    )
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--epochs", type=int)
    length.add_argument("--minutes", type=float)
    parser.add_argument("--chunk-size", type=int, default=8, help="crops a step, of all processes together")
    parser.add_argument("--crop-px", type=int)
    parser.add_argument("--loss", choices=[AUTOMATIC, *LOSS_FACTS], default=AUTOMATIC)
    parser.add_argument(
        "--augment",
        type=_preset_names,
        metavar="NAMES",
        help="what may happen to the photos, presets separated by commas, or none; default: a mild mixture",
    )
    # torchrun would take --start for an option of its own
    parser.add_argument(
        "--start-from",
        dest="start",
        metavar="FROM",
        default=RANDOM,
        help="random, hub (learnt weights from the internet), the folder of an earlier model or of encoder weights",
    )
    parser.add_argument(
        "--mirrored-views",
        action="store_true",
        help="the model may look at mirrored copies of each picture too, where that is better; up to 4 times slower",
    )
    parser.add_argument("--patience", type=int, default=15, help="epochs without a better one until it stops")
    parser.add_argument("--checkpoints", type=Path, help="folder to go on from after an interruption")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--seed", type=int, default=1)
    return parser


def _preset_names(given: str) -> list[str]:
    names = [name.strip() for name in given.split(",") if name.strip() not in ("", "none")]
    for name in names:
        if name not in PRESETS:
            raise argparse.ArgumentTypeError(f"there is no preset {name!r}; take some of {', '.join(PRESETS)}, or none")
    return names


if __name__ == "__main__":
    main()
