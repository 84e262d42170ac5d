"""Images per second from files to measured masks, against the bare model, in one process and run.

    .venv/bin/python -m benchmarks.stream [--images N] [--rounds N]

Light (LR-ASPP), the starter model and heavy (U-Net/ResNet-18) on drawn JPEGs of 512 × 512, one torch thread and, where
the machine has them, as many as it has cores. The bare model is `Segmenter.segment` of decoded pictures, one after the
other; the stream decodes, segments, measures and encodes masks. CPU seconds say what that takes of all cores together.
A second table: photos of 12 megapixels to a network that sees 1,024 pixels, decoded whole and reduced. Prints tables
and, last, a JSON line.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch

from segmentation.architectures import build
from segmentation.masks import mask_png
from segmentation.pictures import read_reduced, read_rgb
from segmentation.scaling import reduced
from segmentation.scenes import draw_scene
from segmentation.segmenter import Segmenter
from segmentation.spec import LabelSpec, ModelSpec
from segmentation.starter_model import FOLDER
from segmentation.stream import StreamResult, segment_files
from segmentation.weights import save_model

SIDE_PX = 512


@dataclass(frozen=True)
class Taken:
    """Seconds of wall time and of all cores together."""

    wall: float
    cpu: float


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        paths = _draw(Path(name), options.images)
        rows = []
        for threads in dict.fromkeys((1, os.cpu_count() or 1)):
            torch.set_num_threads(threads)
            for title, folder in _models(Path(name)):
                rows.append({"model": title, "threads": threads, **_compared(folder, paths, options.rounds)})
        photo = _photo(Path(name))
    print("| model | torch threads | bare, images/s | stream, images/s | ratio | bare, CPU s | stream, CPU s |")
    print("|---|---|---|---|---|---|---|")
    for row in rows:
        print(f"| {' | '.join(str(value) for value in row.values())} |")
    print("\n| 12-megapixel JPEG | ms | pixels that differ from the whole, mean of 255 |\n|---|---|---|")
    print(f"| decoded whole, scaled | {photo['whole_ms']} | 0 |")
    print(f"| decoded reduced, scaled | {photo['reduced_ms']} | {photo['difference']} |")
    print(json.dumps({"benchmark": "stream", "images": options.images, "rows": rows, "photo": photo}))


def _models(folder: Path) -> list[tuple[str, Path]]:
    labels = tuple(LabelSpec(index, f"label {index}", "#808080") for index in range(5))
    specs = {
        "LR-ASPP": ModelSpec("lraspp", labels, "tu-mobilenetv3_small_100"),
        "U-Net/ResNet-18": ModelSpec("unet", labels, "resnet18"),
    }
    for title, spec in specs.items():
        if not (folder / title.replace("/", "-")).exists():
            torch.manual_seed(0)
            save_model(folder / title.replace("/", "-"), spec, build(spec).eval(), card="for a measurement")
    return [("LR-ASPP", folder / "LR-ASPP"), ("starter", FOLDER), ("U-Net/ResNet-18", folder / "U-Net-ResNet-18")]


def _compared(folder: Path, paths: list[Path], rounds: int) -> dict[str, float]:
    segmenter = Segmenter(folder, device="cpu")
    rgbs = [read_rgb(path) for path in paths]
    segmenter.segment(rgbs[:1])
    bare, whole = [], []
    for _ in range(rounds):
        bare.append(_taken(lambda: [segmenter.segment([rgb]) for rgb in rgbs]))
        whole.append(_taken(lambda: _stream(segmenter, paths)))
    ratios = [one.wall / other.wall for one, other in zip(bare, whole, strict=True)]
    count = len(paths)
    return {
        "bare_images_per_second": round(count / float(np.median([one.wall for one in bare])), 2),
        "stream_images_per_second": round(count / float(np.median([one.wall for one in whole])), 2),
        "ratio": round(float(np.median(ratios)), 3),
        "bare_cpu_seconds": round(float(np.median([one.cpu for one in bare])) / count, 3),
        "stream_cpu_seconds": round(float(np.median([one.cpu for one in whole])) / count, 3),
    }


def _draw(folder: Path, count: int) -> list[Path]:
    paths = []
    for number in range(count):
        scene = draw_scene(np.random.default_rng(number), width=SIDE_PX, height=SIDE_PX)
        path = folder / f"{number}.jpg"
        cv2.imwrite(str(path), scene.rgb[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
        paths.append(path)
    return paths


def _photo(folder: Path) -> dict[str, float]:
    """A drawn scene enlarged to 12 megapixels, with a sensor's noise."""
    scene = draw_scene(np.random.default_rng(0), width=1024, height=768).rgb
    large = cv2.resize(scene, (4096, 3072), interpolation=cv2.INTER_CUBIC).astype(np.int16)
    large += np.random.default_rng(1).integers(-5, 6, large.shape, dtype=np.int16)
    path = folder / "photo.jpg"
    cv2.imwrite(str(path), np.clip(large, 0, 255).astype(np.uint8)[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90])
    whole = reduced(read_rgb(path), (768, 1024))
    small = reduced(read_reduced(path, lambda height, width: (768, 1024)).rgb, (768, 1024))
    taken = {
        "whole_ms": [_taken(lambda: reduced(read_rgb(path), (768, 1024))).wall for _ in range(7)],
        "reduced_ms": [
            _taken(lambda: reduced(read_reduced(path, lambda height, width: (768, 1024)).rgb, (768, 1024))).wall
            for _ in range(7)
        ],
    }
    difference = float(np.abs(whole.astype(int) - small).mean())
    return {
        **{name: round(1000 * float(np.median(values)), 1) for name, values in taken.items()},
        "difference": round(difference, 3),
    }


def _stream(segmenter: Segmenter, paths: list[Path]) -> None:
    def encoded(result: StreamResult) -> int:
        return len(mask_png(result.mask))

    for result in segment_files(segmenter, enumerate(paths), finish=encoded):
        if result.error is not None:
            raise RuntimeError(result.error)


def _taken(work: Callable[[], object]) -> Taken:
    started, cpu = time.perf_counter(), time.process_time()
    work()
    return Taken(time.perf_counter() - started, time.process_time() - cpu)


if __name__ == "__main__":
    main()
