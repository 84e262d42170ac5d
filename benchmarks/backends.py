"""Milliseconds an image by PyTorch, ONNX Runtime, OpenVINO and in 8-bit integers, one thread and two, in one run.

    .venv/bin/python -m benchmarks.backends [--side PX] [--turns N] [--train-minutes N]

The starter model and a U-Net with a ResNet-18 encoder that has learned drawn scenes for some minutes, one picture of
512×512. The backends take turns, so that whatever else the machine does burdens them alike; medians. Prints how far
each agrees with PyTorch, a table and, last, a JSON line.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from benchmarks.drawn_network import trained
from segmentation.export import export_model
from segmentation.model_files import BACKENDS
from segmentation.scenes import SCENE_LABELS, draw_scene
from segmentation.segmenter import Segmenter
from segmentation.spec import ModelSpec
from segmentation.starter_model import FOLDER

THREADS = (1, 2)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--side", type=int, default=512, metavar="PX")
    parser.add_argument("--turns", type=int, default=9, metavar="N")
    parser.add_argument("--train-minutes", type=float, default=1.0)
    options = parser.parse_args()
    scene = draw_scene(np.random.default_rng(0), width=options.side, height=options.side)
    rows = []
    with tempfile.TemporaryDirectory() as name:
        for title, folder in _models(Path(name), options.train_minutes):
            checks = [export_model(folder, backend) for backend in BACKENDS[1:]]
            for check in checks:
                print(
                    f"{title}, {check.backend}: {check.agreement_fraction:.4%} of the pixels agree, {check.precision}"
                )
            for threads in THREADS:
                rows.append(
                    {"model": title, "threads": threads, **_milliseconds(folder, scene.rgb, threads, options.turns)}
                )
    names = ["PyTorch", "ONNX Runtime", "OpenVINO", "int8"]
    print(f"| model | threads | {', ms | '.join(names)}, ms | ratio {' | ratio '.join(names[1:])} |")
    print(f"|{'---|' * (2 * len(names) + 1)}")
    for row in rows:
        ratios = [row["torch"] / row[backend] for backend in BACKENDS[1:]]
        row["ratios"] = [round(ratio, 2) for ratio in ratios]
        cells = [row["model"], row["threads"], *(round(row[backend]) for backend in BACKENDS), *row["ratios"]]
        print(f"| {' | '.join(str(cell) for cell in cells)} |")
    print(json.dumps({"benchmark": "backends", "side_px": options.side, "turns": options.turns, "rows": rows}))


def _models(folder: Path, minutes: float) -> list[tuple[str, Path]]:
    shutil.copytree(FOLDER, folder / "starter")
    unet = ModelSpec(architecture="unet", encoder="resnet18", labels=SCENE_LABELS)
    return [("starter model", folder / "starter"), ("U-Net/ResNet-18", trained(unet, folder / "unet", minutes))]


def _milliseconds(folder: Path, rgb: np.ndarray, threads: int, turns: int) -> dict[str, float]:
    torch.set_num_threads(threads)
    segmenters = {backend: Segmenter(folder, "cpu", backend) for backend in BACKENDS}
    taken: dict[str, list[float]] = {backend: [] for backend in BACKENDS}
    for turn in range(turns + 1):
        for backend, segmenter in segmenters.items():
            started = time.perf_counter()
            segmenter.segment([rgb])
            if turn:
                taken[backend].append(1000 * (time.perf_counter() - started))
    return {backend: round(float(np.median(values)), 1) for backend, values in taken.items()}


if __name__ == "__main__":
    main()
