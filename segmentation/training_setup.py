"""What a training by gradient steps begins with: its network, its loss, and what tells it from another training."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from segmentation.architectures import build
from segmentation.initial_weights import inherit
from segmentation.losses import LOSSES, DiceCrossEntropy, choose_loss, class_weights
from segmentation.pairs import Pair
from segmentation.spec import ModelSpec
from segmentation.train_settings import TrainSettings

# These may differ between a training and its continuation.
_NOT_THE_TRAINING = (
    "checkpoint_folder",
    "device",
    "initial_model",
    "initial_names",
    "memory_bytes",
    "mirrored_views",
    "pretrained",
)


def new_network(spec: ModelSpec, settings: TrainSettings, *, is_resumed: bool) -> tuple[nn.Module, float | None]:
    """The network before its first step, and the share of its numbers (0–1) that an earlier model gave.

    The share is None where there is no earlier model, and for a network that goes on from a checkpoint: that one needs
    nobody else's weights.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        module = build(spec, pretrained=None if is_resumed else settings.pretrained)
    if settings.initial_model is None or is_resumed:
        return module, None
    return module, inherit(module, spec, settings.initial_model, settings.initial_names).fraction


def chosen_loss(settings: TrainSettings, pixels: npt.NDArray[np.int64]) -> nn.Module:
    """The loss by name; "auto" goes by `pixels` (K,), how many each label has. ValueError for an unknown name."""
    name = choose_loss(pixels.tolist())[0] if settings.loss == "auto" else settings.loss
    if name not in LOSSES:
        raise ValueError(f"there is no loss {name!r}: take 'auto' or one of {', '.join(LOSSES)}")
    weights = class_weights(pixels, power=settings.weight_power)
    if name == "dice-cross-entropy":
        return DiceCrossEntropy(weights, dice_share=settings.dice_share)
    return LOSSES[name].make(weights)


def described(
    train_pairs: Sequence[Pair], validation_pairs: Sequence[Pair], spec: ModelSpec, settings: TrainSettings
) -> Mapping[str, Any]:
    """What makes a training this one: its network, its settings and the names of its pictures.

    Of its labels only how many there are: they may be renamed, recoloured or become defects meanwhile.
    """
    chosen = {name: value for name, value in dataclasses.asdict(settings).items() if name not in _NOT_THE_TRAINING}

    def names(pairs: Sequence[Pair]) -> str:
        return hashlib.sha256(json.dumps([pair.name for pair in pairs]).encode()).hexdigest()

    return {
        **chosen,
        "model": json.loads(spec.to_json()) | {"labels": [label.index for label in spec.labels]},
        "training pictures": names(train_pairs),
        "validation pictures": names(validation_pairs),
    }
