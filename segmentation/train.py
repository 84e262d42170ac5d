"""Train a network on pairs of pictures and masks; the caller iterates, saves what it likes, and may stop.

for epoch in train(train_pairs, validation_pairs, spec, TrainSettings(minutes=55)):
    show(epoch.progress_fraction, epoch.mean_iou)
save_model(folder, spec, epoch.module, card=...)
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from segmentation.agreement import Agreement
from segmentation.architectures import Pretrained, build
from segmentation.augment import Augmentation
from segmentation.learner import Learner
from segmentation.losses import class_weights
from segmentation.pair_store import DEFAULT_MEMORY_BYTES, PairStore
from segmentation.pairs import Pair
from segmentation.sampling import CropSampler, suggested_crop_px, take_census
from segmentation.schedule import Budget, learning_rate_factor
from segmentation.segmenter import Segmenter, pick_device
from segmentation.spec import ModelSpec
from segmentation.validation import (
    PictureOutcome,
    Validation,
    selection_score,
    validate,
    watched_pictures,
)

Chunk = tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]

DEFAULT_EPOCHS = 40
EPOCHS_IN_TIME = 40
LARGEST_VALIDATION_SHARE = 0.12
LONGEST_EPOCH_STEPS = 250
CHUNKS_AHEAD = 2


@dataclass(frozen=True)
class TrainSettings:
    """How to train. One of `epochs` and `minutes` (wall clock, validation included) sets the length.

    `crop_px` None: from the pictures' sizes. `rare_share`: share of crops cut around rare labels, 0–1.
    `dice_share`: weight of the Dice loss beside cross-entropy. `weight_power`: how strongly rare labels weigh
    in the cross-entropy, 0 = not at all, 1 = every label the same in all. `averaging`: decay of the weights'
    moving average, 0 = off. `patience`: stop after so many epochs without a better validation; None = never.
    `seed` fixes everything where `epochs` is set; with `minutes` the machine's speed decides the steps.
    """

    epochs: int | None = None
    minutes: float | None = None
    chunk_size: int = 8
    crop_px: int | None = None
    learning_rate: float = 2e-3
    weight_decay: float = 0.02
    warm_up_fraction: float = 0.04
    largest_gradient: float = 1.0
    rare_share: float = 0.6
    dice_share: float = 1.0
    weight_power: float = 0.35
    averaging: float = 0.995
    patience: int | None = 15
    augmentation: Augmentation = field(default_factory=Augmentation)
    pretrained: Pretrained = None
    memory_bytes: int = DEFAULT_MEMORY_BYTES
    device: str = "auto"
    seed: int = 1

    def __post_init__(self) -> None:
        if self.epochs is not None and self.minutes is not None:
            raise ValueError("a training takes epochs or minutes, not both")
        if (self.epochs is not None and self.epochs < 1) or (self.minutes is not None and self.minutes <= 0):
            raise ValueError("a training needs at least one epoch or more than zero minutes")


@dataclass(frozen=True)
class Epoch:
    """What one epoch brought.

    `index` counts from 1. `loss` is the mean training loss. `iou` has one value per label on the validation
    pictures, None for a label that is in neither their truth nor the prediction; `mean_iou` is the mean of
    the others. `is_best`: better than every epoch before. `module` holds the best weights so far (in
    evaluation mode, on the CPU) and `outcomes` what they make of each validation picture; they belong to `best_index`.
    `seconds` and `steps` count from the start of training.
    """

    index: int
    loss: float
    iou: tuple[float | None, ...]
    mean_iou: float | None
    is_best: bool
    progress_fraction: float
    seconds: float
    steps: int
    best_index: int
    best_iou: tuple[float | None, ...]
    outcomes: tuple[PictureOutcome, ...]
    module: nn.Module


def train(
    train_pairs: Sequence[Pair],
    validation_pairs: Sequence[Pair],
    spec: ModelSpec,
    settings: TrainSettings,
) -> Iterator[Epoch]:
    """Train `spec`'s architecture; yields after every epoch.

    By epochs, an epoch is as many crops as cover the training pictures about once, but no more than 250 steps,
    so that nobody waits long for news. By minutes it is at least a fortieth of the time, and long enough that
    validation takes no more than about an eighth of it.
    PairError where a pair cannot be used, ValueError where there is nothing to train or validate on.
    """
    if not train_pairs or not validation_pairs:
        raise ValueError(
            f"training needs pictures to learn from and pictures to validate on, got {len(train_pairs)} and"
            f" {len(validation_pairs)}; add pictures or let the data set be split again"
        )
    yield from _Training(train_pairs, validation_pairs, spec, settings).epochs()


class _Training:
    def __init__(
        self,
        train_pairs: Sequence[Pair],
        validation_pairs: Sequence[Pair],
        spec: ModelSpec,
        settings: TrainSettings,
    ) -> None:
        self.started = time.monotonic()
        self.spec, self.settings = spec, settings
        rng = np.random.default_rng(settings.seed)
        label_count = len(spec.labels)
        store = PairStore(train_pairs, label_count, max_side_px=spec.max_side_px, memory_bytes=settings.memory_bytes)
        # validation pictures stay at full size: they are scored there, by the code that serves predictions
        self.validation = PairStore(validation_pairs, label_count, memory_bytes=settings.memory_bytes // 3)
        self.census = take_census(store, rng)
        seen = take_census(self.validation, rng)
        rows = watched_pictures(self.census.pixels, seen.pixels, rng)
        self.watched = PairStore([train_pairs[row] for row in rows], label_count)
        self.sampler = CropSampler(
            store,
            self.census,
            settings.augmentation,
            crop_px=settings.crop_px or suggested_crop_px(self.census),
            rare_share=settings.rare_share,
            rng=rng,
        )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            module = build(spec, pretrained=settings.pretrained)
        self.best = copy.deepcopy(module).eval()
        weights = class_weights(self.census.pixels.sum(axis=0), power=settings.weight_power)
        self.learner = Learner(module, spec, settings, weights, pick_device(settings.device))

    def epochs(self) -> Iterator[Epoch]:
        budget = self._budget()
        best_score, best_index, validation_seconds, index = -math.inf, 0, 0.0, 0
        best_validation: Validation | None = None
        with ThreadPoolExecutor(max_workers=1) as pool:
            chunks = self._chunks(pool)
            while budget.progress_fraction < 1:
                index += 1
                loss = self._learn(chunks, budget, validation_seconds)
                began = time.monotonic()
                validation, score = self._validate()
                validation_seconds = time.monotonic() - began
                budget.kept_back_seconds = validation_seconds
                if best_validation is None or score > best_score:
                    best_score, best_index, best_validation = score, index, validation
                    self.best.load_state_dict(self.learner.average.module.state_dict())
                yield Epoch(
                    index=index,
                    loss=loss,
                    iou=validation.agreement.ious(),
                    mean_iou=validation.agreement.mean_iou(),
                    is_best=best_index == index,
                    progress_fraction=budget.progress_fraction,
                    seconds=time.monotonic() - self.started,
                    steps=budget.steps_done,
                    best_index=best_index,
                    best_iou=best_validation.agreement.ious(),
                    outcomes=best_validation.outcomes,
                    module=self.best,
                )
                if self.settings.patience is not None and index - best_index >= self.settings.patience:
                    return

    def _budget(self) -> Budget:
        settings = self.settings
        if settings.minutes is None:
            return Budget(steps=(settings.epochs or DEFAULT_EPOCHS) * self._steps_per_epoch(), seconds=None)
        return Budget(steps=None, seconds=settings.minutes * 60 - (time.monotonic() - self.started))

    def _steps_per_epoch(self) -> int:
        crop_px = self.sampler.crop_px
        crops = np.maximum(1, self.census.sizes.prod(axis=1) / crop_px**2).sum()
        return min(LONGEST_EPOCH_STEPS, math.ceil(float(crops) / self.settings.chunk_size))

    def _learn(self, chunks: Iterator[Chunk], budget: Budget, validation_seconds: float) -> float:
        began, losses = time.monotonic(), []
        until_step = budget.steps_done + self._steps_per_epoch()
        until_seconds = max(
            (budget.seconds or 0) / EPOCHS_IN_TIME,
            validation_seconds * (1 / LARGEST_VALIDATION_SHARE - 1),
        )
        while budget.progress_fraction < 1:
            factor = learning_rate_factor(budget.progress_fraction, self.settings.warm_up_fraction)
            losses.append(self.learner.step(*next(chunks), factor))
            budget.steps_done += 1
            if budget.steps is not None and budget.steps_done >= until_step:
                break
            if budget.seconds is not None and time.monotonic() - began >= until_seconds:
                break
        return float(np.mean(losses)) if losses else math.nan

    def _chunks(self, pool: ThreadPoolExecutor) -> Iterator[Chunk]:
        """Chunks in the order one generator draws them, a little ahead of the network."""
        size = self.settings.chunk_size
        waiting: list[Future[Chunk]] = [pool.submit(self.sampler.chunk, size) for _ in range(CHUNKS_AHEAD)]
        while True:
            ready = waiting.pop(0).result()
            waiting.append(pool.submit(self.sampler.chunk, size))
            yield ready

    def _validate(self) -> tuple[Validation, float]:
        module = self.learner.average.module
        segmenter = Segmenter.of_module(self.spec, module, device=self.learner.device.type)

        def predict(rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
            return segmenter.segment([rgb])[0].mask

        def on(store: PairStore) -> Validation:
            pictures = ((pair.name, *store[row]) for row, pair in enumerate(store.pairs))
            return validate(
                predict,
                pictures,
                label_count=len(self.spec.labels),
                defect_indices=self.spec.defect_indices,
            )

        validation = on(self.validation)
        watched: Agreement | None = on(self.watched).agreement if len(self.watched) else None
        return validation, selection_score(validation.agreement, watched)
