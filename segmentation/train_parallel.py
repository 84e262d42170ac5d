"""Train on several GPUs, started by torchrun, one process for each GPU:

    torchrun --standalone --nproc-per-node 4 -m segmentation.train_parallel DATASET MODEL --architecture unet

DATASET is a labelled data set in any format that `segmentation.datasets` reads, MODEL the folder to write. Without
GPUs the processes share the CPU. Prints a JSON object for every epoch. See `segmentation.parallel` for what is equal
to a training in one process.
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

from segmentation.datasets import LabelledDataset, open_dataset
from segmentation.finishing import finished_spec
from segmentation.operating_point import choose_operating_points, with_operating_point
from segmentation.parallel import local_rank
from segmentation.spec import IGNORE_INDEX, LabelSpec, ModelSpec
from segmentation.train import Epoch, TrainSettings, train
from segmentation.weights import save_model

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
    spec = ModelSpec(options.architecture, labels, encoder=options.encoder, options=options.options)
    settings = TrainSettings(
        epochs=options.epochs,
        minutes=options.minutes,
        chunk_size=options.chunk_size,
        crop_px=options.crop_px,
        checkpoint_folder=options.checkpoints,
        device=options.device,
        seed=options.seed,
        patience=options.patience,
    )
    pairs = {split: dataset.pairs(split, label_map) for split in ("train", "val")}
    last: Epoch | None = None
    for last in train(pairs["train"], pairs["val"], spec, settings):
        if last.is_best:
            unfinished = with_operating_point(last.spec, choose_operating_points(last.outcomes))
            save_model(options.model, unfinished, last.module, card="Training was not finished.\n")
        sys.stdout.write(json.dumps(_line(last)) + "\n")
        sys.stdout.flush()
    if last is not None:
        final = finished_spec(
            last.spec, last.module, last.outcomes, pairs["val"], device=options.device, mirrors=settings.mirrors
        )
        card = f"Best of {last.index} epochs, number {last.best_index}; scored on validation pictures only.\n"
        save_model(options.model, final, last.module, card=card)


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
    parser.add_argument("--architecture", default="unet")
    parser.add_argument("--encoder")
    parser.add_argument("--options", type=json.loads, default={}, metavar="JSON", help="of the architecture")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--epochs", type=int)
    length.add_argument("--minutes", type=float)
    parser.add_argument("--chunk-size", type=int, default=8, help="crops a step, of all processes together")
    parser.add_argument("--crop-px", type=int)
    parser.add_argument("--patience", type=int, default=15, help="epochs without a better one until it stops")
    parser.add_argument("--checkpoints", type=Path, help="folder to go on from after an interruption")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--seed", type=int, default=1)
    return parser


if __name__ == "__main__":
    main()
