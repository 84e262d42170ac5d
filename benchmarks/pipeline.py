"""Images per second from files on disk to rows committed, masks and thumbnails written, against the bare model.

    .venv/bin/python -m benchmarks.pipeline [--network starter|unet/resnet34 ...] [--threads 1 2] [--rounds N]

Runs the worker's own code (`webapp.pipeline.segment`) on a database and a queue of its own. By turns, in one process:
the bare model, that is `Segmenter.segment` of decoded pictures one after the other on so many torch threads; and the
same pictures, as JPEG files that were just uploaded, through the pipeline. The processor time of both turns says how
much is not the model's, and how fast the cores could be at best.

Pictures are drawn 640×480 scenes. The heavy network is trained on such scenes for a minute first, so that what is
measured on its masks is what is measured on masks. Prints a table and, last, a JSON line.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.drawn_network import trained
from benchmarks.own_services import database_cpu_seconds, own_services
from segmentation.scenes import SCENE_LABELS
from segmentation.spec import ModelSpec
from segmentation.starter_model import FOLDER

STARTER, HEAVY = "starter", "unet/resnet34"
IMAGES = {STARTER: 128, HEAVY: 16}
_HEAVY = ModelSpec(architecture="unet", encoder="resnet34", labels=SCENE_LABELS)


@dataclass(frozen=True)
class Turn:
    """Images per second, and processor seconds an image: of this process, and of the database."""

    rate: float
    cpu: float
    database_cpu: float


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--network", nargs="+", choices=(STARTER, HEAVY), default=[STARTER, HEAVY])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--images", type=int, help="in a turn; default: 128 for the light network, 16 for the heavy")
    parser.add_argument("--train-minutes", type=float, default=1.0)
    asked = parser.parse_args()
    rows = []
    with own_services() as folder:
        line = import_module("benchmarks.pipeline_line").Line()
        for network in asked.network:
            line.use(FOLDER if network == STARTER else trained(_HEAVY, folder / "heavy", asked.train_minutes))
            for threads in asked.threads:
                torch.set_num_threads(threads)
                images = asked.images or IMAGES[network]
                rows.append({"network": network, "threads": threads} | _measure(line, folder, images, asked.rounds))
        line.check()
    _print(rows)


def _measure(line: Any, folder: Path, images: int, rounds: int) -> dict[str, float]:
    rgbs = line.pictures(images)
    line.bare(rgbs[:2])
    line.segment(line.uploaded(2))
    bare, whole = [], []
    for _ in range(rounds):
        run = line.uploaded(images)
        bare.append(_turn(lambda: line.bare(rgbs), folder, images))
        whole.append(_turn(lambda run=run: line.segment(run), folder, images))
    return _summary(bare, whole)


def _turn(work: Callable[[], object], folder: Path, images: int) -> Turn:
    started, cpu, database_cpu = time.perf_counter(), time.process_time(), database_cpu_seconds(folder)
    work()
    seconds = time.perf_counter() - started
    return Turn(
        images / seconds,
        (time.process_time() - cpu) / images,
        (database_cpu_seconds(folder) - database_cpu) / images,
    )


def _summary(bare: list[Turn], whole: list[Turn]) -> dict[str, float]:
    cores = len(os.sched_getaffinity(0))
    ratios = [one.rate / other.rate for one, other in zip(whole, bare, strict=True)]
    bare_rate, model_cpu = _median(one.rate for one in bare), _median(one.cpu for one in bare)
    database_cpu = _median(one.database_cpu for one in whole)
    all_cpu = _median(one.cpu for one in whole) + database_cpu
    return {
        "bare_images_per_second": round(bare_rate, 2),
        "pipeline_images_per_second": round(_median(one.rate for one in whole), 2),
        "ratio": round(_median(ratios), 3),
        "model_cpu_ms": round(1000 * model_cpu, 1),
        "other_cpu_ms": round(1000 * (all_cpu - model_cpu), 1),
        "database_cpu_ms": round(1000 * database_cpu, 1),
        "best_ratio_of_these_cores": round(cores / all_cpu / bare_rate, 3),
    }


def _median(values: Any) -> float:
    return float(np.median(list(values)))


def _print(rows: list[dict[str, Any]]) -> None:
    print(
        "| network | torch threads | bare model, images/s | files to committed rows, images/s | ratio "
        "| CPU of the model, ms an image | of all else | of that the database | the cores' limit |\n"
        "|---|---|---|---|---|---|---|---|---|"
    )
    for row in rows:
        print(f"| {' | '.join(str(value) for value in row.values())} |")
    print(json.dumps({"benchmark": "pipeline", "cores": len(os.sched_getaffinity(0)), "rows": rows}))


if __name__ == "__main__":
    main()
