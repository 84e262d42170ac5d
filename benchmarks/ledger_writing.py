"""Ledger rows per second through the worker's own code, roll-ups included, against plain COPY and the ORM.

    .venv/bin/python -m benchmarks.ledger_writing [--images N] [--rounds N]

Starts a database of its own, as `make run` starts it, in a folder that is thrown away. Each round writes, one after
the other: measurement and region rows of N images × 8 labels × 3 regions through `save_outcomes`; the same rows by
COPY alone into the same tables; a tenth of them by `bulk_create` and an UPDATE for each image, as plain Django
would. Rows are checked and committed in all three. Prints a table and, last, a JSON line.
"""

from __future__ import annotations

import argparse
import gc
import json
import time
from collections.abc import Callable
from importlib import import_module

import numpy as np

from benchmarks.own_services import own_services

IMAGES_AT_ONCE_ORM = 10
LABELS, REGIONS = 8, 3


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    speeds: dict[str, list[float]] = {"pipeline": [], "copy": [], "orm": []}
    with own_services():
        # Its tables need a Django that is set up.
        ledger = import_module("benchmarks.ledger_rows").Ledger(LABELS, REGIONS)
        ledger.pipeline(*ledger.claimed(50))
        for _ in range(asked.rounds):
            speeds["pipeline"].append(_rate(ledger.pipeline, *ledger.claimed(asked.images)))
            speeds["copy"].append(_rate(ledger.copy, *ledger.claimed(asked.images)))
            speeds["orm"].append(_rate(ledger.orm, *ledger.claimed(max(1, asked.images // IMAGES_AT_ONCE_ORM))))
        ledger.check()
    _print(speeds, asked.images)


def _rate(write: Callable[..., int], *arguments: object) -> float:
    # What was made to be written would else be looked through in the middle of one of the turns.
    gc.collect()
    started = time.perf_counter()
    rows = write(*arguments)
    return rows / (time.perf_counter() - started)


def _print(speeds: dict[str, list[float]], images: int) -> None:
    median = {name: float(np.median(rates)) for name, rates in speeds.items()}
    found = {
        "benchmark": "ledger_writing",
        "images": images,
        **{f"{name}_rows_per_second": round(rate) for name, rate in median.items()},
        "pipeline_of_copy": round(float(np.median(np.divide(speeds["pipeline"], speeds["copy"]))), 2),
        "pipeline_of_orm": round(float(np.median(np.divide(speeds["pipeline"], speeds["orm"]))), 1),
    }
    print("| way | rows/s | times the pipeline's |\n|---|---|---|")
    for name, rate in median.items():
        print(f"| {name} | {rate:,.0f} | {rate / median['pipeline']:.2f} |")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
