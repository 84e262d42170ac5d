"""A network that learns: one gradient step at a time, with a moving average of its weights."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from segmentation.losses import DiceCrossEntropy
from segmentation.preprocess import normalise
from segmentation.schedule import AveragedModel
from segmentation.spec import ModelSpec


class LearningRules(Protocol):
    """The settings a step needs; see `train.TrainSettings`."""

    @property
    def learning_rate(self) -> float: ...
    @property
    def weight_decay(self) -> float: ...
    @property
    def largest_gradient(self) -> float: ...
    @property
    def dice_share(self) -> float: ...
    @property
    def averaging(self) -> float: ...


class Learner:
    """AdamW on Dice + cross-entropy; gradients are cut at the norm `largest_gradient`."""

    def __init__(
        self,
        module: nn.Module,
        spec: ModelSpec,
        rules: LearningRules,
        weights: npt.NDArray[np.float32],
        device: torch.device,
    ) -> None:
        self.device = device
        self.module = module.to(device).train()
        self.module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = AveragedModel(self.module, rules.averaging)
        self._rules = rules
        self._loss = DiceCrossEntropy(weights, dice_share=rules.dice_share).to(device)
        self._spec = spec
        self._optimiser = torch.optim.AdamW(_parameter_groups(self.module, rules.weight_decay), lr=rules.learning_rate)

    def step(self, images: npt.NDArray[np.uint8], masks: npt.NDArray[np.uint8], rate_factor: float) -> float:
        """Learn from crops uint8 (N, H, W, 3) and masks uint8 (N, H, W); returns the loss before the step."""
        for group in self._optimiser.param_groups:
            group["lr"] = self._rules.learning_rate * rate_factor
        # permute keeps the memory as it is, which is exactly channels_last
        chunk = torch.from_numpy(images).to(self.device).permute(0, 3, 1, 2)
        truth = torch.from_numpy(masks).to(self.device).long()
        self._optimiser.zero_grad(set_to_none=True)
        use_bfloat16 = self.device.type == "cuda" and torch.cuda.is_bf16_supported()
        with torch.autocast(self.device.type, torch.bfloat16, enabled=use_bfloat16):
            logits = self.module(normalise(chunk, self._spec))
        loss: torch.Tensor = self._loss(logits.float(), truth)
        loss.backward()
        nn.utils.clip_grad_norm_(self.module.parameters(), self._rules.largest_gradient)
        self._optimiser.step()
        self.average.update(self.module)
        return float(loss.detach())


def _parameter_groups(module: nn.Module, weight_decay: float) -> list[dict[str, object]]:
    """Weight decay for matrices and kernels only: decaying offsets and normalisation does harm."""
    decayed = [parameter for parameter in module.parameters() if parameter.ndim > 1]
    kept = [parameter for parameter in module.parameters() if parameter.ndim <= 1]
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": kept, "weight_decay": 0.0}]
