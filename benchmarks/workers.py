"""Images per second of two workers against one, on work that does not need the cores, and what they cost the database.

    .venv/bin/python -m benchmarks.workers [--images N] [--milliseconds N] [--rounds N]

Real Celery workers on a database and a queue of their own. Their model waits (`benchmarks.waiting_worker`): what is
measured is whether workers hinder each other, at the queue, at the rows they claim, at the roll-ups they add to. Every
round segments one batch of small drawn pictures with one worker and one with two; all are of one project and one day,
so that all add to the same rows of the roll-ups. Prints tables and, last, a JSON line.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.own_services import database_cpu_seconds, own_services


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=600)
    parser.add_argument("--milliseconds", type=float, default=200, help="that the model waits a chunk of 8 pictures")
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    found: dict[int, list[dict[str, float]]] = {1: [], 2: []}
    with own_services() as folder:
        line = import_module("benchmarks.workers_line").Line()
        for count in found:
            with ExitStack() as stack:
                for number in range(count):
                    stack.enter_context(_worker(folder, f"bench{number}", asked.milliseconds))
                line.wait_for(count)
                line.work_off(line.uploaded(32 * count))
                for _ in range(asked.rounds):
                    found[count].append(_round(line, folder, asked.images))
        line.check()
    _print(found)


@contextmanager
def _worker(folder: Path, name: str, milliseconds: float) -> Iterator[None]:
    log = folder / "logs" / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.waiting_worker", name, str(milliseconds)],
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "REMAP_SIGTERM": "SIGQUIT"},
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait(60)


def _round(line: Any, folder: Path, images: int) -> dict[str, float]:
    run = line.uploaded(images)
    line.forget_statements()
    cpu, started = database_cpu_seconds(folder), time.perf_counter()
    line.work_off(run)
    seconds = time.perf_counter() - started
    return {
        "images_per_second": images / seconds,
        "database_cpu_ms": 1000 * (database_cpu_seconds(folder) - cpu) / images,
        **line.statements(images),
    }


def _print(found: dict[int, list[dict[str, float]]]) -> None:
    median = {
        count: {name: round(float(np.median([one[name] for one in rounds])), 3) for name in rounds[0]}
        for count, rounds in found.items()
    }
    print(f"| workers | {' | '.join(name.replace('_', ' ') for name in median[1])} |")
    print(f"|{'---|' * (1 + len(median[1]))}")
    for count, row in median.items():
        print(f"| {count} | {' | '.join(str(value) for value in row.values())} |")
    ratio = median[2]["images_per_second"] / median[1]["images_per_second"]
    print(json.dumps({"benchmark": "workers", "ratio": round(ratio, 3), "one": median[1], "two": median[2]}))


if __name__ == "__main__":
    main()
