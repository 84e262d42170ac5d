"""One gradient step on the CPU: the library's, against the same step written plainly, in one process and run.

    OMP_NUM_THREADS=1 .venv/bin/python -m benchmarks.training_step [--crop-px N ...] [--steps N]

U-Net on tu-mobilenetv4_conv_small, decoder 64, 48, 32, 24, 16, chunks of eight crops of drawn scenes. Counted are
processor milliseconds, so that other work on the machine does not count. Prints a table and, last, a JSON line.
"""

from __future__ import annotations

import argparse
import copy
import json
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import nn

from segmentation.architectures import build
from segmentation.chunks import Chunk, ChunkSource
from segmentation.heap import kept_heap
from segmentation.learner import Learner
from segmentation.losses import DiceCrossEntropy
from segmentation.pair_store import PairStore
from segmentation.pairs import Pair
from segmentation.preprocess import normalise
from segmentation.sampling import CropSampler, take_census
from segmentation.scenes import SCENE_LABELS, draw_scene
from segmentation.spec import ModelSpec
from segmentation.train_settings import TrainSettings

SPEC = ModelSpec(
    "unet", SCENE_LABELS, encoder="tu-mobilenetv4_conv_small", options={"decoder_channels": [64, 48, 32, 24, 16]}
)
SETTINGS = TrainSettings()
ROUNDS = 2
CPU = torch.device("cpu")


class PlainLearner:
    """The step as one writes it at first: optimiser, clipping and average loop over the weights one by one, and
    the C library gives freed memory back to the system."""

    def __init__(self, module: nn.Module, loss: nn.Module) -> None:
        self.module = module.train().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.module)
        self.loss = loss
        self.optimiser = torch.optim.AdamW(self.module.parameters(), lr=SETTINGS.learning_rate, foreach=False)

    def step(self, images: np.ndarray, masks: np.ndarray, rate_factor: float) -> float:
        chunk = torch.from_numpy(images).permute(0, 3, 1, 2)
        self.optimiser.zero_grad()
        loss = self.loss(self.module(normalise(chunk, SPEC)), torch.from_numpy(masks).long())
        loss.backward()
        nn.utils.clip_grad_norm_(self.module.parameters(), SETTINGS.largest_gradient, foreach=False)
        self.optimiser.step()
        with torch.no_grad():
            source = self.module.state_dict()
            for name, target in self.average.state_dict().items():
                if target.dtype.is_floating_point:
                    target.lerp_(source[name], 0.005)
                else:
                    target.copy_(source[name])
        return float(loss.detach())


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--crop-px", type=int, nargs="+", default=[128, 192])
    parser.add_argument("--steps", type=int, default=10)
    options = parser.parse_args()
    rows = [_measured(crop_px, options.steps) for crop_px in options.crop_px]
    print("| crop, px | cutting a chunk, ms | plain step, ms | step, ms | plain ÷ step |\n|---|---|---|---|---|")
    for row in rows:
        print(f"| {row['crop_px']} | {row['chunk_ms']} | {row['plain_ms']} | {row['step_ms']} | {row['ratio']} |")
    print(json.dumps({"benchmark": "training_step", "threads": torch.get_num_threads(), "rows": rows}))


def _measured(crop_px: int, steps: int) -> dict[str, float]:
    """Medians; the two kinds of training take turns, each with the heap it runs on."""
    source = _source(crop_px)
    chunk_ms = _cpu_ms(lambda: source.chunk(0))
    chunks = [source.chunk(number) for number in range(4)]
    loss = DiceCrossEntropy(np.ones(len(SCENE_LABELS), np.float32))
    torch.manual_seed(1)
    module = build(SPEC)
    plain, quick = PlainLearner(copy.deepcopy(module), loss), Learner(module, SPEC, SETTINGS, loss, CPU)
    times: dict[str, list[float]] = {"plain": [], "quick": []}
    for _ in range(ROUNDS):
        times["plain"] += _steps_ms(plain.step, chunks, steps)
        with kept_heap():
            times["quick"] += _steps_ms(quick.step, chunks, steps)
    plain_ms, step_ms = (float(np.median(values)) for values in times.values())
    return {
        "crop_px": crop_px,
        "chunk_ms": round(chunk_ms, 1),
        "plain_ms": round(plain_ms, 1),
        "step_ms": round(step_ms, 1),
        "ratio": round(plain_ms / step_ms, 3),
    }


def _source(crop_px: int) -> ChunkSource:
    scenes = [draw_scene(np.random.default_rng(number)) for number in range(4)]
    pairs = [Pair(str(number), lambda scene=scene: (scene.rgb, scene.mask)) for number, scene in enumerate(scenes)]
    store = PairStore(pairs, len(SCENE_LABELS))
    rng = np.random.default_rng(1)
    census = take_census(store, rng)
    sampler = CropSampler(store, census, SETTINGS.augmentation, crop_px=crop_px, rare_share=0.6, rng=rng)
    return ChunkSource(sampler, seed=1, rows=range(SETTINGS.chunk_size))


def _steps_ms(step: Callable[..., object], chunks: list[Chunk], count: int) -> list[float]:
    """The first step of each round is not counted: it finds the heap as the other kind left it."""
    return [_cpu_ms(partial(step, *chunks[number % len(chunks)], 1.0)) for number in range(count + 1)][1:]


def _cpu_ms(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return (time.process_time() - started) * 1000


if __name__ == "__main__":
    main()
