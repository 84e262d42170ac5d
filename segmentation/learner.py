"""A network that learns: one gradient step at a time, with a moving average of its weights."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from segmentation.parallel import World, synchronised_norms
from segmentation.preprocess import normalise
from segmentation.schedule import AveragedModel
from segmentation.spec import ModelSpec


class LearningRules(Protocol):
    """The settings a step needs; see `train_settings.TrainSettings`."""

    @property
    def learning_rate(self) -> float: ...
    @property
    def weight_decay(self) -> float: ...
    @property
    def largest_gradient(self) -> float: ...
    @property
    def averaging(self) -> float: ...


class Learner:
    """AdamW on `loss` (logits (N, K, H, W), truth int64 (N, H, W) → a scalar).

    Gradients are cut at the norm `largest_gradient`. On a GPU the network computes in bfloat16, or in float16 with
    a scaled loss where the GPU has no bfloat16; the loss itself and the weights stay float32.
    """

    def __init__(
        self,
        module: nn.Module,
        spec: ModelSpec,
        rules: LearningRules,
        loss: nn.Module,
        device: torch.device,
        world: World | None = None,
    ) -> None:
        self.device, self.world = device, world or World()
        self.average = AveragedModel(_on(module, device), rules.averaging)
        self.module = synchronised_norms(_on(module, device).train(), self.world, device)
        self._shared = self.world.shared(self.module, device)
        self._rules, self._spec = rules, spec
        self._loss = loss.to(device)
        has_bfloat16 = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
        self._precision = torch.bfloat16 if device.type != "cuda" or has_bfloat16 else torch.float16
        self._scaler = torch.amp.GradScaler(device.type, enabled=self._precision == torch.float16)
        # one pass over all weights at once; the plain loop takes ten times as long on a CPU and on a GPU
        self._optimiser = torch.optim.AdamW(
            _parameter_groups(self.module, rules.weight_decay), lr=rules.learning_rate, fused=True
        )

    def step(self, images: npt.NDArray[np.uint8], masks: npt.NDArray[np.uint8], rate_factor: float) -> torch.Tensor:
        """Learn from crops uint8 (N, H, W, C) and masks uint8 (N, H, W); the loss before the step, a scalar.

        The loss stays on the device: reading it would make a GPU wait.
        """
        for group in self._optimiser.param_groups:
            group["lr"] = self._rules.learning_rate * rate_factor
        self._optimiser.zero_grad(set_to_none=True)
        loss = self._loss_of(self._shared, images, masks, self.world)
        # every process holds the loss of the whole chunk, and gradients are averaged over the processes
        self._scaler.scale(loss * self.world.size).backward()
        self._scaler.unscale_(self._optimiser)
        nn.utils.clip_grad_norm_(self.module.parameters(), self._rules.largest_gradient, foreach=True)
        self._scaler.step(self._optimiser)
        self._scaler.update()
        self.average.update(self.module)
        return loss.detach()

    @torch.no_grad()
    def validation_loss(self, images: npt.NDArray[np.uint8], masks: npt.NDArray[np.uint8]) -> float:
        """The averaged network's loss on crops as `step` takes them, in this process alone."""
        return float(self._loss_of(self.average.module, images, masks, World()))

    def _loss_of(
        self, module: nn.Module, images: npt.NDArray[np.uint8], masks: npt.NDArray[np.uint8], world: World
    ) -> torch.Tensor:
        # permute keeps the memory as it is, which is exactly channels_last
        chunk = self._sent(images).permute(0, 3, 1, 2)
        with self._autocast():
            logits = module(normalise(chunk, self._spec))
        truth = world.gathered(self._sent(masks)).long()
        loss: torch.Tensor = self._loss(world.gathered(logits.float()), truth)
        return loss

    def _sent(self, array: npt.NDArray[np.uint8]) -> torch.Tensor:
        values = torch.from_numpy(array)
        if self.device.type != "cuda":
            return values
        return values.pin_memory().to(self.device, non_blocking=True)

    def _autocast(self) -> AbstractContextManager[object]:
        return torch.autocast(self.device.type, self._precision, enabled=self.device.type == "cuda")

    def tensors(self) -> dict[str, torch.Tensor]:
        """Everything that changes by learning, by name: weights, their average and the optimiser's memory."""
        kept = {f"module.{name}": value for name, value in self.module.state_dict().items()}
        kept |= {f"average.{name}": value for name, value in self.average.module.state_dict().items()}
        for place, parameter in enumerate(self._parameters()):
            for name, value in self._optimiser.state.get(parameter, {}).items():
                kept[f"optimiser.{place}.{name}"] = value
        return kept

    def numbers(self) -> dict[str, Any]:
        """What else changes by learning, as JSON takes it."""
        return {"average_updates": self.average.updates, "scaler": self._scaler.state_dict()}

    def restore(self, tensors: Mapping[str, torch.Tensor], numbers: Mapping[str, Any]) -> None:
        """Go on as the learner that gave these. KeyError, TypeError or RuntimeError where they do not fit."""
        self.module.load_state_dict(_below(tensors, "module."))
        self.average.module.load_state_dict(_below(tensors, "average."))
        self.average.updates = int(numbers["average_updates"])
        self._scaler.load_state_dict(dict(numbers["scaler"]))
        for place, parameter in enumerate(self._parameters()):
            memory = _below(tensors, f"optimiser.{place}.")
            if memory:
                self._optimiser.state[parameter] = {name: _like(parameter, value) for name, value in memory.items()}

    def _parameters(self) -> list[torch.Tensor]:
        return [parameter for group in self._optimiser.param_groups for parameter in group["params"]]


def _on(module: nn.Module, device: torch.device) -> nn.Module:
    module.to(device)
    module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return module


def _below(tensors: Mapping[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _like(parameter: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """On the parameter's device; with its order in memory too, which the optimiser's fused pass relies on."""
    if value.shape != parameter.shape:
        return value.to(parameter.device)
    return torch.empty_like(parameter, requires_grad=False).copy_(value)


def _parameter_groups(module: nn.Module, weight_decay: float) -> list[dict[str, object]]:
    """Weight decay for matrices and kernels only: decaying offsets and normalisation does harm."""
    trained = [parameter for parameter in module.parameters() if parameter.requires_grad]
    decayed = [parameter for parameter in trained if parameter.ndim > 1]
    kept = [parameter for parameter in trained if parameter.ndim <= 1]
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": kept, "weight_decay": 0.0}]
