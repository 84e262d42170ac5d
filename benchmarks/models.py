"""Architectures on real photos: one row each of docs/models.md, trained within a stated budget.

    .venv/bin/python -m benchmarks.models FOLDER [--only TEXT] [--gpu] [--list] [--report]

FOLDER holds the data sets (`magnetic-tile`, `uav-crack`, `camvid`) in Pixelwise's folder format. One row is trained
at a time; a row that is done is skipped, one that was interrupted goes on from its checkpoint, so the command can be
stopped and called again, and called twice at once. Rows go to benchmarks/models.jsonl, and docs/models.md is written
from it.
"""

from __future__ import annotations

import argparse
import dataclasses
import fcntl
import json
import os
import platform
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open

from benchmarks.model_rows import ROWS, Row
from benchmarks.models_page import write_page
from segmentation.architectures_catalogue import facts_of
from segmentation.augment import Augmentation
from segmentation.checkpoint import FILE
from segmentation.datasets.formats import open_dataset
from segmentation.datasets.likeness import groups_of_alike, signature
from segmentation.datasets.reader import LabelledDataset
from segmentation.datasets.splits import labels_in, missing_labels, split_train_and_validation_anew
from segmentation.evaluation import Evaluation, evaluate
from segmentation.finishing import finished_spec
from segmentation.pairs import Pair
from segmentation.segmenter import Segmenter
from segmentation.spec import LabelSpec, ModelSpec
from segmentation.train import Epoch, TrainSettings, train
from segmentation.weights import WEIGHTS_FILE, save_model

RESULTS = Path(__file__).with_name("models.jsonl")
WORK = Path("data/bench-models")
# Street scenes have no defects: there every label counts alike.
WITHOUT_DEFECTS = frozenset({"camvid"})


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--only", default="", metavar="TEXT", help="rows whose name contains it")
    parser.add_argument("--gpu", action="store_true", help="ten minutes a row on a GPU")
    parser.add_argument("--list", action="store_true", help="name the rows, done or not")
    parser.add_argument("--report", action="store_true", help="only write docs/models.md anew")
    arguments = parser.parse_args()
    rows = [_on_gpu(row) for row in ROWS] if arguments.gpu else list(ROWS)
    rows = [row for row in rows if arguments.only in row.name]
    if arguments.list:
        done = {result["row"] for result in results()}
        for row in rows:
            print(f"{'done' if row.name in done else 'open'}  {row.name}")
        return
    if not arguments.report:
        if arguments.folder is None:
            parser.error("name the folder with the data sets")
        torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", str(os.cpu_count() or 1))))
        for row in rows:
            _run(row, arguments.folder)
    write_page(results())


def results() -> list[dict[str, Any]]:
    """The rows measured so far."""
    if not RESULTS.exists():
        return []
    return [json.loads(line) for line in RESULTS.read_text(encoding="utf-8").splitlines() if line]


def _on_gpu(row: Row) -> Row:
    return dataclasses.replace(row, device="cuda", minutes=10.0)


def _run(row: Row, folder: Path) -> None:
    work = WORK / re.sub(r"[^a-z0-9.-]+", "-", row.name.lower())
    with _claimed(work) as is_ours:
        if not is_ours or row.name in {result["row"] for result in results()}:
            return
        print(f"== {row.name}", flush=True)
        result = _measure(row, open_dataset(folder / row.dataset), work)
        with RESULTS.open("a", encoding="utf-8") as file:
            file.write(json.dumps(result) + "\n")
        shutil.rmtree(work / "checkpoint", ignore_errors=True)


@contextmanager
def _claimed(work: Path) -> Iterator[bool]:
    """Whether no other process has this row in hand."""
    work.mkdir(parents=True, exist_ok=True)
    with (work / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _measure(row: Row, dataset: LabelledDataset, work: Path) -> dict[str, Any]:
    labels = tuple(
        dataclasses.replace(label, is_defect=label.index > 0 and row.dataset not in WITHOUT_DEFECTS)
        for label in dataset.labels
    )
    train_pairs, validation_pairs = _learning_pairs(dataset)
    spec = ModelSpec(
        architecture=row.architecture,
        encoder=row.encoder or facts_of(row.architecture).default_encoder,
        labels=labels,
        scale=row.scale,
        evens_light=row.evens_light,
        options=dict(row.options or facts_of(row.architecture).default_options),
    )
    settings = TrainSettings(
        **{("minutes" if row.device == "cuda" else "cpu_minutes"): row.minutes},
        **{"learning_rate": facts_of(row.architecture).learning_rate, **row.settings},
        checkpoint_folder=work / "checkpoint",
        device=row.device,
        patience=None,
    )
    began, began_cpu = time.monotonic(), time.process_time()
    last = _learn(train_pairs, validation_pairs, spec, settings)
    # a row that went on from a checkpoint was begun by another process
    minutes = max(time.monotonic() - began, last.seconds) / 60
    cpu_minutes = max(time.process_time() - began_cpu, _spent_seconds(work / "checkpoint", row)) / 60
    spec = finished_spec(
        last.spec, last.module, last.outcomes, validation_pairs, device=row.device, mirrors=settings.mirrors
    )
    save_model(work / "model", spec, last.module, card=f"# {row.name}\n\nTrained by benchmarks/models.py.\n")
    scores = evaluate(Segmenter(work / "model", device=row.device), dataset.pairs("test"))
    return {
        "row": row.name,
        **_scores(scores, labels),
        "minutes": round(minutes, 1),
        "cpu_minutes": round(cpu_minutes, 1),
        "steps": last.steps,
        "images_per_second": round(1 / scores.seconds_per_picture, 2),
        "parameters": sum(parameter.numel() for parameter in last.module.parameters()),
        "file_bytes": (work / "model" / WEIGHTS_FILE).stat().st_size,
        "threads": torch.get_num_threads(),
        "device": torch.cuda.get_device_name() if row.device == "cuda" else platform.machine(),
        **{name: getattr(row, name) for name in ("dataset", "architecture", "encoder", "scale")},
        "evens_light": spec.evens_light,
        "budget_minutes": row.minutes,
        "settings": {name: _plain(value) for name, value in row.settings.items()},
        "options": dict(spec.options),
        "defect_offset": spec.defect_offset,
        "mirrors": list(spec.mirrors),
        "beyond_edges": "ignored",
    }


def _spent_seconds(checkpoint: Path, row: Row) -> float:
    """Processor time of all processes that learned this row; on a GPU the budget counts the wall's."""
    if row.device != "cpu" or not (checkpoint / FILE).exists():
        return 0.0
    with safe_open(checkpoint / FILE, framework="pt") as opened:
        return float(json.loads(opened.metadata()["pixelwise"])["numbers"]["spent_seconds"])


def _plain(value: Any) -> Any:
    return dataclasses.asdict(value) if isinstance(value, Augmentation) else value


def _scores(scores: Evaluation, labels: Sequence[LabelSpec]) -> dict[str, Any]:
    found = scores.as_json()
    kept = ("iou", "mean_iou", "mean_defect_iou", "missed_per_1000", "rejected_per_1000", "precision", "recall")
    return {name: found[name] for name in kept} | {
        "calibration_error": [found["calibration"]["ece_before"], found["calibration"]["ece_after"]],
        "label_count": len(labels),
    }


def _learn(train_pairs: list[Pair], validation_pairs: list[Pair], spec: ModelSpec, settings: TrainSettings) -> Epoch:
    last: Epoch | None = None
    for epoch in train(train_pairs, validation_pairs, spec, settings):
        last = epoch
        iou = [None if value is None else round(value, 3) for value in epoch.iou]
        print(
            f"{epoch.progress_fraction:.2f} epoch {epoch.index} steps {epoch.steps} loss {epoch.loss:.3f} "
            f"{'*' if epoch.is_best else ' '} {iou} {epoch.seconds:.0f} s",
            flush=True,
        )
    if last is None:
        raise ValueError("the time was too short for one epoch; give more minutes")
    return last


def _learning_pairs(dataset: LabelledDataset) -> tuple[list[Pair], list[Pair]]:
    """Training and validation; dealt anew where validation lacks a label, as `import_dataset` does it."""
    names = [*dataset.names("train"), *dataset.names("val")]
    signatures, present = [], {}
    for name in names:
        rgb, mask = dataset.read(name)
        signatures.append(signature(rgb))
        present[name] = labels_in(mask)
    splits = dataset.splits
    if missing_labels(splits, present, "val"):
        groups = dict(zip(names, groups_of_alike(np.asarray(signatures, np.float32)).tolist(), strict=True))
        splits = split_train_and_validation_anew(splits, groups, present)
    pairs = {pair.name: pair for split in ("train", "val") for pair in dataset.pairs(split)}
    return [pairs[name] for name in splits["train"]], [pairs[name] for name in splits["val"]]


if __name__ == "__main__":
    main()
