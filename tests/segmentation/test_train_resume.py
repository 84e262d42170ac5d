"""A killed training goes on as if nothing had happened."""

from __future__ import annotations

import dataclasses
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from segmentation.augment import Augmentation
from segmentation.checkpoint import FILE, Checkpoint, CheckpointError, load_checkpoint, save_checkpoint
from segmentation.chunks import ChunkSource
from segmentation.pair_store import PairStore
from segmentation.sampling import CropSampler, take_census
from segmentation.train import Epoch, train
from tests.segmentation import mortal_training
from tests.segmentation.squares import SETTINGS, SPEC, TRAIN, VALIDATION


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def told(epoch: Epoch) -> dict[str, Any]:
    """All that may not depend on an interruption."""
    names = ("loss", "validation_loss", "iou", "is_best", "best_index", "best_iou", "outcomes", "steps")
    return {name: getattr(epoch, name) for name in (*names, "learning_rate", "progress_fraction")}


def test_killed_and_resumed_is_the_same_training(tmp_path: Path) -> None:
    """SIGKILL amid the third epoch: the second is told again, and all numbers and weights are equal to the last bit."""
    spec, settings = mortal_training.SPEC, mortal_training.ENDLESS
    child = [sys.executable, "-m", "tests.segmentation.mortal_training", str(tmp_path)]
    assert subprocess.run(child, check=False).returncode == -signal.SIGKILL
    whole = list(train(TRAIN, VALIDATION, spec, settings))
    torch.manual_seed(99)
    resumed = list(train(TRAIN, VALIDATION, spec, dataclasses.replace(settings, checkpoint_folder=tmp_path)))
    assert [epoch.index for epoch in resumed] == [2, 3, 4]
    for before, after in zip(whole[1:], resumed, strict=True):
        assert told(before) == told(after)
    for name, value in whole[-1].module.state_dict().items():
        assert torch.equal(value, resumed[-1].module.state_dict()[name]), name
    for before, after in zip(whole[-1].previews, resumed[-1].previews, strict=True):
        np.testing.assert_array_equal(before.mask, after.mask)


def test_a_stopped_training_goes_on_and_a_finished_one_is_told_again(tmp_path: Path) -> None:
    settings = dataclasses.replace(SETTINGS, epochs=3, checkpoint_folder=tmp_path)
    started = train(TRAIN[:4], VALIDATION, SPEC, settings)
    first = next(started)
    started.close()
    rest = list(train(TRAIN[:4], VALIDATION, SPEC, settings))
    assert told(rest[0]) == told(first)
    assert [epoch.index for epoch in rest] == [1, 2, 3]
    assert rest[-1].seconds > first.seconds
    (again,) = train(TRAIN[:4], VALIDATION, SPEC, settings)
    assert told(again) == told(rest[-1])


def test_another_trainings_checkpoint_is_refused(tmp_path: Path) -> None:
    settings = dataclasses.replace(SETTINGS, epochs=1, checkpoint_folder=tmp_path)
    list(train(TRAIN[:2], VALIDATION[:1], SPEC, settings))
    with pytest.raises(CheckpointError, match="another training, it differs in learning_rate: name another"):
        next(train(TRAIN[:2], VALIDATION[:1], SPEC, dataclasses.replace(settings, learning_rate=1e-3)))
    with pytest.raises(CheckpointError, match="it differs in training pictures"):
        next(train(TRAIN[:3], VALIDATION[:1], SPEC, settings))


def test_labels_may_be_renamed_recoloured_and_become_defects_meanwhile(tmp_path: Path) -> None:
    settings = dataclasses.replace(SETTINGS, epochs=2, checkpoint_folder=tmp_path)
    started = train(TRAIN[:2], VALIDATION[:1], SPEC, settings)
    first = next(started)
    started.close()
    ground, red, blue, other = SPEC.labels
    red, blue = (dataclasses.replace(label, name=name) for label, name in ((red, "blue"), (blue, "red")))
    labels = (dataclasses.replace(ground, color="#FFFFFF", is_defect=True), red, blue, other)
    again = next(train(TRAIN[:2], VALIDATION[:1], dataclasses.replace(SPEC, labels=labels), settings))
    assert (again.index, again.iou, again.spec.labels) == (1, first.iou, labels)
    assert 0 in again.outcomes[0].true_defects
    with pytest.raises(CheckpointError, match="it differs in model labels"):
        next(train(TRAIN[:2], VALIDATION[:1], dataclasses.replace(SPEC, labels=labels[:3]), settings))


def test_a_checkpoint_of_a_release_that_kept_names_is_gone_on_from(tmp_path: Path) -> None:
    labels = [dataclasses.asdict(label) for label in SPEC.labels]
    save_checkpoint(tmp_path, Checkpoint({"model": {"labels": labels}}, {}, {"weight": torch.arange(6.0)}))
    assert load_checkpoint(tmp_path, {"model": {"labels": [0, 1, 2, 3]}}) is not None
    with pytest.raises(CheckpointError, match="differs in model labels"):
        load_checkpoint(tmp_path, {"model": {"labels": [0, 1, 2]}})


def test_a_checkpoint_of_a_release_that_knew_fewer_settings_is_gone_on_from(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, Checkpoint({"seed": 1, "model": {"scale": 0.5}}, {}, {"weight": torch.arange(6.0)}))
    assert load_checkpoint(tmp_path, {"seed": 1, "model": {"scale": 0.5, "mirrors": []}, "patience": 3}) is not None
    with pytest.raises(CheckpointError, match="differs in model scale"):
        load_checkpoint(tmp_path, {"seed": 1, "model": {"scale": 1.0, "mirrors": []}})


class TestFile:
    CHECKPOINT = Checkpoint({"seed": 1}, {"score": 0.1, "lowest": -float("inf")}, {"weight": torch.arange(6.0)})

    def test_round_trip_leaves_one_file(self, tmp_path: Path) -> None:
        for _ in range(2):
            save_checkpoint(tmp_path / "new", self.CHECKPOINT)
        loaded = load_checkpoint(tmp_path / "new", {"seed": 1})
        assert loaded is not None
        assert loaded.numbers == self.CHECKPOINT.numbers
        assert torch.equal(loaded.tensors["weight"], torch.arange(6.0))
        assert [file.name for file in (tmp_path / "new").iterdir()] == [FILE]

    def test_none_yet(self, tmp_path: Path) -> None:
        assert load_checkpoint(tmp_path, {}) is None

    @pytest.mark.parametrize("length", [0, 7, 60, -1])
    def test_damaged(self, tmp_path: Path, length: int) -> None:
        save_checkpoint(tmp_path, self.CHECKPOINT)
        (tmp_path / FILE).write_bytes((tmp_path / FILE).read_bytes()[:length])
        with pytest.raises(CheckpointError, match=r"damaged or no checkpoint .* delete it"):
            load_checkpoint(tmp_path, {"seed": 1})


class TestChunks:
    def source(self, rows: range) -> ChunkSource:
        store = PairStore(TRAIN[:3], 4)
        census = take_census(store, np.random.default_rng(1))
        sampler = CropSampler(store, census, Augmentation(), crop_px=32, rare_share=0.6, rng=np.random.default_rng(1))
        return ChunkSource(sampler, seed=5, rows=rows)

    def test_a_chunk_depends_on_its_number_only(self) -> None:
        with ThreadPoolExecutor(3) as pool:
            drawn = list(islice(self.source(range(4)).ahead(pool, 2, chunks_ahead=4), 5))
        for number, (images, masks) in enumerate(drawn, start=2):
            again = self.source(range(4)).chunk(number)
            np.testing.assert_array_equal(images, again[0])
            np.testing.assert_array_equal(masks, again[1])
        assert not np.array_equal(drawn[0][0], drawn[1][0])

    def test_processes_share_a_chunk(self) -> None:
        whole = self.source(range(4)).chunk(3)[0]
        for rank in range(2):
            np.testing.assert_array_equal(self.source(range(rank, 4, 2)).chunk(3)[0], whole[rank::2])
