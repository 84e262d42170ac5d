"""Training by gradient steps: epochs, budget, best weights, checkpoints. `segmentation.train` is the way in."""

from __future__ import annotations

import copy
import dataclasses
import math
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch

from segmentation.checkpoint import Checkpoint, CheckpointError, load_checkpoint, save_checkpoint
from segmentation.chunks import CHUNKS_AHEAD, Chunk, ChunkSource
from segmentation.epochs import Epoch
from segmentation.heap import kept_heap
from segmentation.learner import Learner
from segmentation.pair_store import PairStore
from segmentation.pairs import Pair
from segmentation.parallel import World
from segmentation.sampling import CropSampler, suggested_crop_px, take_census
from segmentation.schedule import Budget, learning_rate_factor
from segmentation.scoring import Scored, Scorer
from segmentation.segmenter import pick_device
from segmentation.spec import ModelSpec
from segmentation.train_settings import DEFAULT_EPOCHS, TrainSettings
from segmentation.training_setup import chosen_loss, described, new_network
from segmentation.validation import Validation

EPOCHS_IN_TIME = 40
LARGEST_VALIDATION_SHARE = 0.12
LONGEST_EPOCH_STEPS = 250
MOST_CROP_THREADS = 8


@dataclass
class _Standing:
    """Where the training stands after its newest epoch; `index` 0 before the first. `kept_fraction`: see `Epoch`."""

    index: int = 0
    loss: float = math.nan
    validation_loss: float | None = None
    learning_rate: float = 0.0
    best_index: int = 0
    best_score: float = -math.inf
    learning_seconds: float = 0.0
    seconds: float = 0.0
    kept_fraction: float | None = None


class GradientTraining:
    """One training in this process; with `World.size` > 1 the others do the same steps, and only process 0 judges."""

    def __init__(
        self,
        train_pairs: Sequence[Pair],
        validation_pairs: Sequence[Pair],
        spec: ModelSpec,
        settings: TrainSettings,
    ) -> None:
        self._started = time.monotonic()
        self._clock = time.process_time if settings.cpu_minutes is not None else time.monotonic
        self._began = self._clock()
        self._spec, self._settings, self._world = spec, settings, World.current()
        rows = self._world.rows(settings.chunk_size)
        self._description = described(train_pairs, validation_pairs, spec, settings)
        checkpoint = None
        if settings.checkpoint_folder is not None:
            checkpoint = load_checkpoint(settings.checkpoint_folder, self._description)
        rng = np.random.default_rng(settings.seed)
        store = PairStore(
            train_pairs,
            len(spec.labels),
            max_side_px=spec.max_side_px,
            scale=spec.scale,
            memory_bytes=settings.memory_bytes // self._world.size,
        )
        self._census = take_census(store, rng)
        crop_px = settings.crop_px or suggested_crop_px(self._census)
        sampler = CropSampler(
            store, self._census, settings.augmentation, crop_px=crop_px, rare_share=settings.rare_share, rng=rng
        )
        self._crop_px = crop_px
        self._source = ChunkSource(sampler, seed=settings.seed, rows=rows)
        module, kept_fraction = new_network(spec, settings, is_resumed=checkpoint is not None)
        self._best = copy.deepcopy(module).eval()
        loss = chosen_loss(settings, self._census.pixels.sum(axis=0))
        self._learner = Learner(module, spec, settings, loss, pick_device(settings.device), self._world)
        self._scorer: Scorer | None = None
        if self._world.is_first:
            self._scorer = Scorer(train_pairs, validation_pairs, self._census, spec, settings, rng)
            self._loss_chunks = self._scorer.loss_chunks(crop_px)
        self._standing, self._budget = _Standing(kept_fraction=kept_fraction), self._new_budget()
        self._scored: Scored | None = None
        self._best_validation: Validation | None = None
        if checkpoint is not None:
            self._restore(checkpoint)
        self._earlier = dataclasses.replace(self._standing)
        self._ready = time.monotonic()

    def epochs(self) -> Iterator[Epoch]:
        """Process 0 yields after every epoch, and first of all the newest one of a checkpoint; others yield nothing."""
        threads = self._crop_threads()
        with kept_heap(), ThreadPoolExecutor(max_workers=threads) as pool:
            chunks = self._source.ahead(pool, self._budget.steps_done, max(CHUNKS_AHEAD, threads + 1))
            if self._standing.index:
                yield from self._news()
            while self._goes_on():
                self._standing.index += 1
                self._learn(chunks)
                self._judge()
                self._save()
                yield from self._news()

    def _news(self) -> Iterator[Epoch]:
        if self._world.is_first:
            try:
                yield self._epoch()
            except GeneratorExit:
                # the other processes wait to hear whether they should go on
                self._world.agreed(0.0)
                raise

    def _goes_on(self) -> bool:
        standing, patience = self._standing, self._settings.patience
        is_patient = patience is None or standing.index - standing.best_index < patience
        (goes_on,) = self._world.agreed(float(is_patient and self._budget.progress_fraction < 1))
        return bool(goes_on)

    def _learn(self, chunks: Iterator[Chunk]) -> None:
        began, losses = self._clock(), []
        until_step = self._budget.steps_done + self._steps_per_epoch()
        until_seconds = max(
            (self._budget.seconds or 0) / EPOCHS_IN_TIME,
            self._budget.kept_back_seconds * (1 / LARGEST_VALIDATION_SHARE - 1),
        )
        with self._own_random_numbers():
            while (fraction := self._fraction(until_step, began + until_seconds)) is not None:
                factor = learning_rate_factor(fraction, self._settings.warm_up_fraction)
                losses.append(self._learner.step(*next(chunks), factor))
                self._budget.steps_done += 1
                self._standing.learning_rate = self._settings.learning_rate * factor
        self._standing.loss = float(torch.stack(losses).double().mean()) if losses else math.nan

    def _fraction(self, until_step: int, until: float) -> float | None:
        """How far the training has come, 0–1, the same in all processes; None where this epoch is over."""
        fraction = self._budget.progress_fraction
        if self._budget.steps is not None:
            return None if fraction >= 1 or self._budget.steps_done >= until_step else fraction
        fraction, is_over = self._world.agreed(fraction, float(fraction >= 1 or self._clock() >= until))
        return None if is_over else fraction

    def _judge(self) -> None:
        if self._scorer is None:
            return
        began, standing = self._clock(), self._standing
        module, device = self._learner.average.module, self._learner.device.type
        self._scored = self._scorer.score(module, device)
        losses = [self._learner.validation_loss(*chunk) for chunk in self._loss_chunks]
        standing.validation_loss = float(np.average(losses, weights=[len(masks) for _, masks in self._loss_chunks]))
        if self._best_validation is None or self._scored.score > standing.best_score:
            standing.best_score, standing.best_index = self._scored.score, standing.index
            self._best_validation = self._scored.validation
            self._best.load_state_dict(module.state_dict())
        self._budget.kept_back_seconds = self._clock() - began
        standing.seconds = self._earlier.seconds + time.monotonic() - self._started
        standing.learning_seconds = self._earlier.learning_seconds + time.monotonic() - self._ready

    def _epoch(self) -> Epoch:
        if self._scored is None or self._best_validation is None:
            raise RuntimeError("an epoch was asked for before it was judged")
        standing, fraction = self._standing, self._budget.progress_fraction
        return Epoch(
            index=standing.index,
            loss=standing.loss,
            iou=self._scored.validation.agreement.ious(),
            mean_iou=self._scored.validation.agreement.mean_iou(),
            is_best=standing.best_index == standing.index,
            progress_fraction=fraction,
            seconds=standing.seconds,
            steps=self._budget.steps_done,
            best_index=standing.best_index,
            best_iou=self._best_validation.agreement.ious(),
            outcomes=self._best_validation.outcomes,
            module=self._best,
            spec=self._spec,
            validation_loss=standing.validation_loss,
            learning_rate=standing.learning_rate,
            seconds_left=standing.learning_seconds * (1 - fraction) / fraction if fraction > 0 else None,
            previews=self._scored.previews,
            kept_fraction=standing.kept_fraction,
        )

    def _save(self) -> None:
        if self._settings.checkpoint_folder is None or not self._world.is_first:
            return
        budget = self._budget
        numbers = {
            "standing": dataclasses.asdict(self._standing),
            "learner": self._learner.numbers(),
            "steps_done": budget.steps_done,
            "seconds": budget.seconds,
            "spent_seconds": budget.elapsed_seconds,
            "kept_back_seconds": budget.kept_back_seconds,
        }
        best = {f"best.{name}": value for name, value in self._best.state_dict().items()}
        tensors = {**self._learner.tensors(), **best}
        save_checkpoint(self._settings.checkpoint_folder, Checkpoint(self._description, numbers, tensors))

    def _restore(self, checkpoint: Checkpoint) -> None:
        numbers, budget = checkpoint.numbers, self._budget
        best = {
            name.removeprefix("best."): value for name, value in checkpoint.tensors.items() if name.startswith("best.")
        }
        try:
            self._learner.restore(checkpoint.tensors, numbers["learner"])
            self._best.load_state_dict(best)
            self._standing = _Standing(**numbers["standing"])
            budget.steps_done, budget.seconds = numbers["steps_done"], numbers["seconds"]
            budget.spent_seconds, budget.kept_back_seconds = numbers["spent_seconds"], numbers["kept_back_seconds"]
        except (KeyError, TypeError, RuntimeError) as error:
            raise CheckpointError(
                f"the checkpoint in {self._settings.checkpoint_folder} does not fit this network ({error}):"
                " delete it to train from the start"
            ) from error
        if self._scorer is not None:
            device = self._learner.device.type
            self._scored = self._scorer.score(self._learner.average.module, device)
            is_best = self._standing.best_index == self._standing.index
            best_scored = self._scored if is_best else self._scorer.score(copy.deepcopy(self._best), device)
            self._best_validation = best_scored.validation

    def _new_budget(self) -> Budget:
        settings = self._settings
        minutes = settings.minutes if settings.minutes is not None else settings.cpu_minutes
        if minutes is None:
            return Budget(steps=(settings.epochs or DEFAULT_EPOCHS) * self._steps_per_epoch(), seconds=None)
        return Budget(steps=None, seconds=minutes * 60 - (self._clock() - self._began), clock=self._clock)

    def _steps_per_epoch(self) -> int:
        crops = np.maximum(1, self._census.sizes.prod(axis=1) / self._crop_px**2).sum()
        return min(LONGEST_EPOCH_STEPS, math.ceil(float(crops) / self._settings.chunk_size))

    def _crop_threads(self) -> int:
        """One beside a CPU that is busy learning; on a GPU as many as keep it fed."""
        if self._learner.device.type != "cuda":
            return 1
        return max(1, min(MOST_CROP_THREADS, (os.cpu_count() or 1) // (2 * self._world.size)))

    @contextmanager
    def _own_random_numbers(self) -> Iterator[None]:
        """Dropout draws the same numbers after an interruption, and nobody else's numbers are touched."""
        devices = [torch.cuda.current_device()] if self._learner.device.type == "cuda" else []
        seeds = np.random.SeedSequence((self._settings.seed, self._standing.index, self._world.rank))
        with torch.random.fork_rng(devices=devices):
            torch.manual_seed(int(seeds.generate_state(1)[0]))
            yield
