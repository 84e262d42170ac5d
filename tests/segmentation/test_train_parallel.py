"""Two processes train as one does."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from segmentation import train_parallel
from segmentation.architectures import build
from segmentation.architectures_catalogue import facts_of
from segmentation.augment import NO_AUGMENTATION
from segmentation.datasets import open_dataset
from segmentation.parallel import World
from segmentation.pictures import read_rgb
from segmentation.recipe import recipe_settings, recipe_spec
from segmentation.spec import ModelSpec
from segmentation.train import TrainSettings, train
from segmentation.weights import load_model, load_spec
from tests.segmentation.squares import LABELS, TRAIN, VALIDATION

# No batch normalisation: on a CPU torch cannot share its statistics between processes.
OPTIONS = {"encoder_depth": 3, "decoder_channels": [16, 8, 8], "decoder_use_norm": False}
SPEC = ModelSpec("unet", LABELS[:3], encoder="tu-test_convnext", options=OPTIONS)
LENGTH = {"epochs": 2, "chunk_size": 4, "crop_px": 64}


def written_dataset(folder: Path) -> Path:
    """The drawn pairs in the folder form."""
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    splits = {"train": TRAIN[:12], "val": VALIDATION[:2], "test": []}
    for cases in splits.values():
        for case in cases:
            rgb, mask = case.read()
            cv2.imwrite(str(folder / "images" / f"{case.name}.png"), rgb[:, :, ::-1])
            cv2.imwrite(str(folder / "masks" / f"{case.name}.png"), mask)
    names = {split: [case.name for case in cases] for split, cases in splits.items()}
    (folder / "splits.json").write_text(json.dumps(names))
    (folder / "classes.json").write_text(json.dumps({label.index: label.name for label in LABELS[:3]}))
    labels = [
        {"index": label.index, "name": label.name, "color": label.color, "is_defect": label.is_defect}
        for label in LABELS[:3]
    ]
    (folder / "labels.json").write_text(json.dumps(labels))
    return folder


def by_torchrun(count: int, dataset: Path, model: Path, *options: str) -> list[dict[str, Any]]:
    """What so many processes print: a line for every epoch."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(count)]
    command += ["-m", "segmentation.train_parallel", str(dataset), str(model), "--device", "cpu", *options]
    done = subprocess.run(
        command, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def test_two_processes_learn_what_one_does(tmp_path: Path) -> None:
    """The same losses and scores within rounding, and one model, written by process 0."""
    torch.set_num_threads(1)
    assert not any("BatchNorm" in type(module).__name__ for module in build(SPEC).modules())
    dataset = written_dataset(tmp_path / "squares")
    options = ["--encoder", str(SPEC.encoder), "--options", json.dumps(OPTIONS)]
    options += [f"--{name.replace('_', '-')}={value}" for name, value in LENGTH.items()]
    together = by_torchrun(2, dataset, tmp_path / "model", *options)
    opened = open_dataset(dataset)
    settings = TrainSettings(device="cpu", **LENGTH)
    alone = list(train(opened.pairs("train"), opened.pairs("val"), SPEC, settings))
    assert [line["index"] for line in together] == [1, 2]
    for one, two in zip(alone, together, strict=True):
        assert two["loss"] == pytest.approx(one.loss, rel=1e-4)
        assert two["validation_loss"] == pytest.approx(one.validation_loss, rel=1e-3)
        assert two["mean_iou"] == pytest.approx(one.mean_iou, abs=0.01)
        assert two["steps"] == one.steps
    saved = load_model(tmp_path / "model")
    assert dataclasses.replace(saved.spec, min_region_px=1).labels == SPEC.labels
    assert "in 2 processes" in (tmp_path / "model" / "card.md").read_text()


@pytest.mark.slow
def test_the_recipe_is_that_of_the_app(tmp_path: Path) -> None:
    """Grey pictures of many brightnesses: their light is evened out, at the rate that suits the network."""
    dataset = written_dataset(tmp_path / "grey")
    for place, path in enumerate(sorted((dataset / "images").iterdir())):
        grey = read_rgb(path)[:, :, 0] + 20.0 * (place % 7)
        cv2.imwrite(str(path), np.clip(grey, 0, 255).astype(np.uint8))
    first, second = tmp_path / "first", tmp_path / "second"
    length = ["--epochs=1", "--crop-px=64", "--chunk-size=4"]
    choices = ["--loss=focal", "--augment=light,mirrored", "--mirrored-views"]
    (line,) = by_torchrun(1, dataset, first, *length, *choices, "--architecture=linknet-light")
    spec, card = load_spec(first), (first / "card.md").read_text()
    assert (spec.architecture, spec.scale, spec.evens_light) == ("linknet-light", 1.0, True)
    assert line["learning_rate"] <= facts_of("linknet-light").learning_rate
    for row in ("learning rate | 0.004", "loss | focal", "mirrored views | True"):
        assert f"| {row} |" in card
    assert f"checksum {open_dataset(dataset).checksum()}" in card
    assert "- train: 12 pictures." in card
    assert "| red |" in card.partition("## Scores on the validation pictures")[2]

    by_torchrun(1, dataset, second, *length, f"--start-from={first}")
    assert load_spec(second).architecture == "linknet-light", "an earlier model brings its network"
    assert "| kept of the earlier model | 100.0% of all weights |" in (second / "card.md").read_text()


def test_options_and_input_are_the_architectures_own() -> None:
    spec = recipe_spec("segnet", LABELS, TRAIN[:2], has_gpu=False)
    assert spec.options == {"width": 24}
    assert recipe_spec("fpn", LABELS, [], has_gpu=False).encoder == facts_of("fpn").default_encoder
    assert recipe_spec("segnet", LABELS, TRAIN[:2], options={"width": 8}, has_gpu=False).options == {"width": 8}
    settings = recipe_settings("linknet-light", presets=[], epochs=3)
    assert (settings.learning_rate, settings.epochs, settings.augmentation) == (4e-3, 3, NO_AUGMENTATION)


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("--augment=earthquake", "there is no preset 'earthquake'; take some of light,"),
        ("--options=width=8", "expected a JSON object such as"),
        ("--loss=sorrow", "invalid choice: 'sorrow'"),
        ("--architecture=magic", "invalid choice: 'magic'"),
    ],
)
def test_what_cannot_be_typed(option: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        train_parallel.main(["data", "model", option])
    assert told in capsys.readouterr().err


def test_chunks_must_share_out_evenly() -> None:
    assert list(World(1, 3).rows(6)) == [1, 4]
    with pytest.raises(ValueError, match="3 processes cannot share chunks of 8 crops evenly"):
        World(0, 3).rows(8)


def test_a_world_of_one_changes_nothing() -> None:
    world, values = World.current(), torch.ones(2, 3)
    assert world == World(0, 1)
    assert world.gathered(values) is values
    assert world.agreed(0.5, 1.0) == (0.5, 1.0)
