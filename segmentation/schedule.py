"""How far a training has come, how fast it learns at that point, and its slowly averaged weights."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import nn


@dataclass
class Budget:
    """Either a number of steps or a number of seconds; `progress_fraction` runs from 0 to 1 in both.

    `clock` says which seconds: those of the wall or of the processor. `spent_seconds` were spent before an
    interruption; `kept_back_seconds` are left for the last validation.
    """

    steps: int | None
    seconds: float | None
    clock: Callable[[], float] = time.monotonic
    steps_done: int = 0
    kept_back_seconds: float = 0.0
    spent_seconds: float = 0.0
    _started: float = field(init=False)

    def __post_init__(self) -> None:
        if (self.steps is None) == (self.seconds is None):
            raise ValueError("a training needs either epochs or minutes, not both and not neither")
        self._started = self.clock()

    @property
    def elapsed_seconds(self) -> float:
        return self.spent_seconds + self.clock() - self._started

    @property
    def progress_fraction(self) -> float:
        if self.steps is not None:
            return min(1.0, self.steps_done / self.steps)
        assert self.seconds is not None  # noqa: S101 - one of the two is set, see __post_init__
        return min(1.0, self.elapsed_seconds / max(1e-3, self.seconds - self.kept_back_seconds))


def learning_rate_factor(progress_fraction: float, warm_up_fraction: float) -> float:
    """Straight up during the warm-up, then half a cosine down to 0.

    Loshchilov, Hutter, "SGDR", 2017, without restarts.
    """
    if progress_fraction < warm_up_fraction:
        return max(0.01, progress_fraction / warm_up_fraction)
    rest = (progress_fraction - warm_up_fraction) / (1 - warm_up_fraction)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, rest)))


class AveragedModel:
    """Exponential moving average of weights and of batch-norm statistics; calmer than the last step's.

    Polyak, Juditsky, 1992. Early on the average forgets faster, so that it does not drag the random start.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.module = copy.deepcopy(module).eval()
        self.decay = decay
        self.updates = 0
        for parameter in self.module.parameters():
            parameter.requires_grad_(False)

    @torch.no_grad()
    def update(self, module: nn.Module) -> None:
        self.updates += 1
        weight = 1 - min(self.decay, (1 + self.updates) / (10 + self.updates))
        targets, sources = _numbers(self.module), _numbers(module)
        floating = [place for place, target in enumerate(targets) if target.dtype.is_floating_point]
        # one call for all: on a GPU hundreds of tiny ones take longer than the sums
        torch._foreach_lerp_([targets[place] for place in floating], [sources[place] for place in floating], weight)
        for target, source in zip(targets, sources, strict=True):
            if not target.dtype.is_floating_point:
                target.copy_(source)


def _numbers(module: nn.Module) -> list[torch.Tensor]:
    return [*(parameter.detach() for parameter in module.parameters()), *module.buffers()]
