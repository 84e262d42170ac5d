"""Network families by name. A family is a function from a spec to a module; a new one is a line below."""

from __future__ import annotations

# First: every module of this package may then import what imports torchvision.
from segmentation import torchvision_shim  # noqa: F401

# isort: split

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from segmentation.architectures import nearest_color, unet
from segmentation.architectures.encoders import EncoderError, Pretrained, encoder_names
from segmentation.spec import ModelSpec

__all__ = ["ARCHITECTURES", "Architecture", "EncoderError", "Pretrained", "build", "encoder_names"]


@dataclass(frozen=True)
class Architecture:
    """`make(spec, pretrained)` gives a module float (N, 3, H, W) → logits (N, K, H, W) for any H, W.

    `is_pointwise`: each pixel is judged by itself, so tiles need no overlap. `is_exact`: whole-number
    arithmetic that reduced precision would spoil.
    """

    name: str
    title: str
    make: Callable[[ModelSpec, Pretrained], nn.Module]
    is_trainable: bool = True
    has_encoder: bool = True
    is_pointwise: bool = False
    is_exact: bool = False


ARCHITECTURES: dict[str, Architecture] = {
    architecture.name: architecture
    for architecture in (
        Architecture("unet", "U-Net", unet.build),
        Architecture(
            "nearest-color",
            "Nearest colour (needs no training)",
            lambda spec, pretrained: nearest_color.build(spec),
            is_trainable=False,
            has_encoder=False,
            is_pointwise=True,
            is_exact=True,
        ),
    )
}


def build(spec: ModelSpec, *, pretrained: Pretrained = None) -> nn.Module:
    """A new network for a spec, its encoder random or learnt elsewhere. ValueError says what does not fit."""
    return find(spec.architecture).make(spec, pretrained)


def find(name: str) -> Architecture:
    """ValueError where there is no such family."""
    if name not in ARCHITECTURES:
        raise ValueError(f"there is no architecture {name!r}: take one of {', '.join(sorted(ARCHITECTURES))}")
    return ARCHITECTURES[name]
