"""Images per second from files to measured masks, against the bare model, in one process and run.

    .venv/bin/python -m benchmarks.stream [--images N]

The starter model on drawn 640×480 scenes, one torch thread. Prints a table and, last, a JSON line.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch

from segmentation.masks import mask_png
from segmentation.pictures import read_rgb
from segmentation.scenes import SCENE_LABELS, draw_scene
from segmentation.segmenter import Segmenter
from segmentation.starter_model import FOLDER
from segmentation.stream import segment_files


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=64)
    count = parser.parse_args().images
    torch.set_num_threads(1)
    segmenter = Segmenter(FOLDER, device="cpu")
    with tempfile.TemporaryDirectory() as name:
        paths = _draw(Path(name), count)
        rgbs = [read_rgb(path) for path in paths]
        segmenter.segment(rgbs[:1])
        bare, whole = [], []
        for _ in range(3):
            bare.append(count / _seconds(lambda: [segmenter.segment([rgb]) for rgb in rgbs]))
            whole.append(count / _seconds(lambda: _stream(segmenter, paths)))
    found = {
        "benchmark": "stream",
        "images": count,
        "bare_model_images_per_second": round(float(np.median(bare)), 2),
        "stream_images_per_second": round(float(np.median(whole)), 2),
        "ratio": round(float(np.median(np.divide(whole, bare))), 3),
    }
    print("| bare model, images/s | files to measured masks, images/s | ratio |\n|---|---|---|")
    print(f"| {found['bare_model_images_per_second']} | {found['stream_images_per_second']} | {found['ratio']} |")
    print(json.dumps(found))


def _draw(folder: Path, count: int) -> list[Path]:
    paths = []
    for number in range(count):
        scene = draw_scene(np.random.default_rng(number))
        path = folder / f"{number}.jpg"
        cv2.imwrite(str(path), scene.rgb[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
        paths.append(path)
    return paths


def _stream(segmenter: Segmenter, paths: list[Path]) -> None:
    for result in segment_files(segmenter, enumerate(paths), label_count=len(SCENE_LABELS)):
        if result.error is not None:
            raise RuntimeError(result.error)
        mask_png(result.mask)


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
