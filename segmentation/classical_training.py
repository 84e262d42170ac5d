"""Training without gradient steps: one fit, one epoch. `segmentation.train` is the way in."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Iterator, Sequence

import numpy as np

from segmentation.classical.fit import ClassicalSettings, fit
from segmentation.epochs import Epoch
from segmentation.pairs import Pair
from segmentation.parallel import World
from segmentation.scoring import Scorer
from segmentation.spec import ModelSpec
from segmentation.train_settings import TrainSettings


def classical_epochs(
    train_pairs: Sequence[Pair], validation_pairs: Sequence[Pair], spec: ModelSpec, settings: TrainSettings
) -> Iterator[Epoch]:
    """Fit, score, and yield the one epoch; among several processes the first one does it all.

    Of the settings only `seed`, `memory_bytes` and `device` (for scoring) count.
    """
    if not World.current().is_first:
        return
    started = time.monotonic()
    fitted_spec, module = fit(train_pairs, spec, ClassicalSettings(seed=settings.seed))
    rng = np.random.default_rng(settings.seed)
    scorer = Scorer(train_pairs, validation_pairs, None, fitted_spec, settings, rng)
    scored = scorer.score(copy.deepcopy(module), settings.device)
    agreement = scored.validation.agreement
    yield Epoch(
        index=1,
        loss=math.nan,
        iou=agreement.ious(),
        mean_iou=agreement.mean_iou(),
        is_best=True,
        progress_fraction=1.0,
        seconds=time.monotonic() - started,
        steps=0,
        best_index=1,
        best_iou=agreement.ious(),
        outcomes=scored.validation.outcomes,
        module=module,
        spec=fitted_spec,
        seconds_left=0.0,
        previews=scored.previews,
    )
