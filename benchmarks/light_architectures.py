"""Images per second of the light networks at 512×512 on two CPU threads, against U-Net/ResNet-18 in the same run.

    .venv/bin/python -m benchmarks.light_architectures [--rounds N] [--threads N] [--all]

Random weights, five labels, one picture at a time, from uint8 pixels to the mask of labels. The networks take turns,
so that whatever else the machine does slows them alike. CPU seconds count what the process itself did; on a busy
machine two threads burn them waiting for each other, so take them from `--threads 1` there. `--all` adds every
network family, with its light defaults. Prints a table and, last, a JSON line.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn

from segmentation.architectures import ARCHITECTURES, build
from segmentation.preprocess import to_tensor
from segmentation.spec import LabelSpec, ModelSpec

SIDE_PX = 512
LABELS = tuple(LabelSpec(index, f"label {index}", f"#0000{index:02x}") for index in range(5))
REFERENCE = "unet/resnet18"
LIGHT = ("unet-light", "linknet-light", "lraspp")


@dataclass
class Contender:
    """`wall` and `cpu`: seconds a picture, one entry a round."""

    spec: ModelSpec
    network: nn.Module
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def run(self, rgb: np.ndarray) -> None:
        wall, cpu = time.perf_counter(), time.process_time()
        with torch.inference_mode():
            self.network(to_tensor([rgb], self.spec)).max(dim=1)
        self.wall.append(time.perf_counter() - wall)
        self.cpu.append(time.process_time() - cpu)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--all", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    contenders = {REFERENCE: _contender(ModelSpec("unet", LABELS, encoder="resnet18"))}
    names = [facts.name for facts in ARCHITECTURES.values() if facts.learns_by_gradient] if arguments.all else LIGHT
    for name in names:
        options = dict(ARCHITECTURES[name].default_options)
        contenders[name] = _contender(ModelSpec(name, LABELS, options=options))
    rgb = np.random.default_rng(0).integers(0, 256, (SIDE_PX, SIDE_PX, 3), dtype=np.uint8)
    load_before = os.getloadavg()[0]
    for number in range(arguments.rounds + 1):
        for contender in contenders.values():
            contender.run(rgb)
            if number == 0:
                contender.wall.clear()
                contender.cpu.clear()
    rows = [_row(name, contender, contenders[REFERENCE]) for name, contender in contenders.items()]
    print("| network | images/s, median | images/s, best | CPU seconds an image | times U-Net/ResNet-18 | parameters |")
    print("|---|---|---|---|---|---|")
    for row in rows:
        print("| " + " | ".join(str(value) for value in row.values()) + " |")
    load = {"load_before": load_before, "load_after": os.getloadavg()[0]}
    print(json.dumps({"benchmark": "light_architectures", "threads": arguments.threads, **load, "rows": rows}))


def _contender(spec: ModelSpec) -> Contender:
    network: nn.Module = build(spec).eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return Contender(spec, network)


def _row(name: str, contender: Contender, reference: Contender) -> dict[str, str | float | int]:
    ratios = np.divide(reference.wall, contender.wall)
    return {
        "network": name,
        "images_per_second": round(1 / float(np.median(contender.wall)), 2),
        "best_images_per_second": round(1 / min(contender.wall), 2),
        "cpu_seconds": round(float(np.median(contender.cpu)), 3),
        "ratio": round(float(np.median(ratios)), 2),
        "parameters": sum(value.numel() for value in contender.network.parameters()),
    }


if __name__ == "__main__":
    main()
