"""Peak memory of segmenting a picture of 24,000 × 16,000 pixels, and seams against one pass, each in its own process.

    OMP_NUM_THREADS=1 .venv/bin/python -m benchmarks.large_pictures [--width PX] [--height PX] [--kinds tiff jpeg ...]

The network is `nearest-color` with six labels (a 1×1 convolution, so that decoding, tiles, blending, connected
components and mask, which are what takes memory, are done in minutes); the starter model is used for the seams. Memory
is the peak resident size of the process less what it has with the model loaded and a small picture segmented. Prints a
table and, last, a JSON line.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import resource
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import tifffile
import torch
from PIL import Image

from segmentation.architectures import build
from segmentation.masks import mask_png
from segmentation.pictures import PictureLimits, thumbnail
from segmentation.scenes import draw_scene
from segmentation.segmenter import Segmenter
from segmentation.spec import LabelSpec, ModelSpec
from segmentation.starter_model import FOLDER
from segmentation.stream import segment_files
from segmentation.weights import save_model

KINDS = ("tiff", "tiff-lzw", "tiff-16-bit", "jpeg", "png")
_LIMITS = PictureLimits(max_bytes=8_000_000_000)
_STRIP = 256
_COLORS = ("#808080", "#dc1e1e", "#1e3cdc", "#1edc3c", "#dcdc1e", "#101010")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--width", type=int, default=24_000, metavar="PX")
    parser.add_argument("--height", type=int, default=16_000, metavar="PX")
    parser.add_argument("--kinds", nargs="*", choices=KINDS, default=list(KINDS))
    parser.add_argument("--measure", nargs=2, metavar=("MODEL", "FILE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(_measured(Path(options.measure[0]), Path(options.measure[1]))))
        return
    print("| file | MB | seconds | peak above idle, MB |\n|---|---|---|---|", flush=True)
    rows = []
    for kind in options.kinds:
        row = _in_a_process_of_its_own(kind, options.width, options.height)
        print(f"| {kind} | {row['file_megabytes']} | {row['seconds']} | {row['megabytes_above_idle']} |", flush=True)
        rows.append(row)
    seams = _seams()
    print(json.dumps({"benchmark": "large_pictures", "pixels": options.width * options.height, "rows": rows, **seams}))


def _in_a_process_of_its_own(kind: str, width: int, height: int) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        labels = tuple(LabelSpec(index, f"label {index}", color) for index, color in enumerate(_COLORS))
        spec = ModelSpec("nearest-color", labels, mean=(0.0,) * 3, std=(1.0,) * 3)
        save_model(folder / "model", spec, build(spec), card="for a measurement")
        # Drawing takes memory of its own: a third process does it.
        code = f"from benchmarks.large_pictures import draw; draw({kind!r}, {width}, {height}, {str(folder)!r})"
        subprocess.run([sys.executable, "-c", code], check=True)
        file = next(path for path in folder.iterdir() if path.is_file())
        command = [sys.executable, "-m", "benchmarks.large_pictures", "--measure", str(folder / "model"), str(file)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        found = json.loads(done.stdout.splitlines()[-1])
        return {"kind": kind, "file_megabytes": round(file.stat().st_size / 1e6), **found}


def _measured(model: Path, file: Path) -> dict[str, float]:
    torch.set_num_threads(1)
    segmenter = Segmenter(model, device="cpu")
    small = file.with_name("small.png")
    small.write_bytes(cv2.imencode(".png", draw_scene(np.random.default_rng(0)).rgb)[1].tobytes())
    list(segment_files(segmenter, [(0, small)], finish=lambda result: mask_png(result.mask)))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    (result,) = segment_files(
        segmenter,
        [(0, file)],
        limits=_LIMITS,
        finish=lambda result: (len(mask_png(result.mask)), len(thumbnail(result.rgb, 480))),
    )
    if result.error is not None:
        raise RuntimeError(result.error)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "seconds": round(time.perf_counter() - started),
        "megabytes_above_idle": round((peak - before) / 1024),
        "regions": len(result.measurement.regions),
    }


def draw(kind: str, width: int, height: int, folder: str) -> None:
    """Write a picture of lumps of six colours, with photo noise, in strips."""
    path = Path(folder) / f"large.{kind.partition('-')[0]}"
    if kind in ("tiff", "tiff-16-bit"):
        deep = np.uint16 if kind.endswith("bit") else np.uint8
        strips = (
            zlib.compress((strip.astype(deep) * (16 if deep is np.uint16 else 1)).tobytes(), 1)
            for strip in _strips(width, height)
        )
        tifffile.imwrite(
            path,
            strips,
            shape=(height, width, 3),
            dtype=deep,
            rowsperstrip=_STRIP,
            photometric="rgb",
            compression="zlib",
            bigtiff=True,
        )
        return
    whole = np.concatenate([*_strips(width, height)])
    if kind == "tiff-lzw":
        Image.fromarray(whole).save(path, compression="tiff_lzw", strip_size=width * 3 * _STRIP)
    else:
        cv2.imwrite(str(path), whole[:, :, ::-1])


def _strips(width: int, height: int) -> Iterator[np.ndarray]:
    source = np.random.default_rng(0)
    colors = np.array([[int(color[at : at + 2], 16) for at in (1, 3, 5)] for color in _COLORS], np.int16)
    coarse = source.integers(0, 256, (height // 64 + 2, width // 64 + 2)).astype(np.uint8)
    tile = source.integers(-8, 9, (_STRIP, width, 3)).astype(np.int16)
    for top in range(0, height, _STRIP):
        rows = min(_STRIP, height - top)
        part = coarse[top // 64 : (top + _STRIP) // 64 + 1]
        lumps = cv2.resize(part, (width, _STRIP), interpolation=cv2.INTER_CUBIC)
        found = colors[np.digitize(lumps, [90, 120, 150, 180, 210])] + tile
        yield np.clip(found, 0, 255).astype(np.uint8)[:rows]


def _seams() -> dict[str, float]:
    """The starter model with tiles of 512 px against one pass, on a drawn scene of 1600 × 1200."""
    rgb = draw_scene(np.random.default_rng(3), width=1600, height=1200).rgb
    masks = []
    for tile_px in (2048, 512):
        segmenter = Segmenter(FOLDER, device="cpu")
        segmenter.spec = dataclasses.replace(segmenter.spec, tile_px=tile_px)
        masks.append(segmenter.segment([rgb])[0].mask)
    whole, tiled = masks
    count = len(segmenter.spec.labels)
    worst = max(abs(float((whole == label).mean() - (tiled == label).mean())) for label in range(count))
    return {"seam_pixels_fraction": round(float((whole != tiled).mean()), 5), "seam_area_fraction": round(worst, 5)}


if __name__ == "__main__":
    main()
