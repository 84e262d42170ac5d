"""Two processes train as one does."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import pytest
import torch

from segmentation.architectures import build
from segmentation.datasets import open_dataset
from segmentation.parallel import World
from segmentation.spec import ModelSpec
from segmentation.train import TrainSettings, train
from segmentation.weights import load_model
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


def test_two_processes_learn_what_one_does(tmp_path: Path) -> None:
    """The same losses and scores within rounding, and one model, written by process 0."""
    torch.set_num_threads(1)
    assert not any("BatchNorm" in type(module).__name__ for module in build(SPEC).modules())
    dataset = written_dataset(tmp_path / "squares")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command += ["-m", "segmentation.train_parallel", str(dataset), str(tmp_path / "model"), "--device", "cpu"]
    command += ["--encoder", str(SPEC.encoder), "--options", json.dumps(OPTIONS)]
    command += [f"--{name.replace('_', '-')}={value}" for name, value in LENGTH.items()]
    done = subprocess.run(
        command, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    together = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
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


def test_chunks_must_share_out_evenly() -> None:
    assert list(World(1, 3).rows(6)) == [1, 4]
    with pytest.raises(ValueError, match="3 processes cannot share chunks of 8 crops evenly"):
        World(0, 3).rows(8)


def test_a_world_of_one_changes_nothing() -> None:
    world, values = World.current(), torch.ones(2, 3)
    assert world == World(0, 1)
    assert world.gathered(values) is values
    assert world.agreed(0.5, 1.0) == (0.5, 1.0)
