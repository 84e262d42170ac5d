"""Milliseconds an image by PyTorch, ONNX Runtime, OpenVINO and in 8-bit integers, one thread and two, in one run.

    .venv/bin/python -m benchmarks.backends [--side PX] [--turns N]

The starter model and a U-Net with a ResNet-18 encoder, random weights, one picture of 512×512. The backends take
turns, so that whatever else the machine does burdens them alike; medians. Prints a table and, last, a JSON line.
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

from segmentation.architectures import build
from segmentation.export import export_model
from segmentation.model_files import BACKENDS
from segmentation.scenes import draw_scene
from segmentation.segmenter import Segmenter
from segmentation.spec import LabelSpec, ModelSpec
from segmentation.starter_model import FOLDER
from segmentation.weights import save_model

THREADS = (1, 2)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--side", type=int, default=512, metavar="PX")
    parser.add_argument("--turns", type=int, default=9, metavar="N")
    options = parser.parse_args()
    scene = draw_scene(np.random.default_rng(0), width=options.side, height=options.side)
    rows = []
    with tempfile.TemporaryDirectory() as name:
        for title, folder in _models(Path(name)):
            for backend in BACKENDS[1:]:
                export_model(folder, backend)
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


def _models(folder: Path) -> list[tuple[str, Path]]:
    starter, unet = folder / "starter", folder / "unet"
    shutil.copytree(FOLDER, starter)
    labels = tuple(LabelSpec(index, f"label {index}", "#808080") for index in range(5))
    spec = ModelSpec("unet", labels, "resnet18")
    torch.manual_seed(0)
    save_model(unet, spec, build(spec), card="for a measurement")
    return [("starter model", starter), ("U-Net/ResNet-18", unet)]


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
