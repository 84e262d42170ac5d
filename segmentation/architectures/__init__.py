"""Network families by name. A family is a function from a spec to a module; a new one is a line below and
its facts in `segmentation.architectures_catalogue`."""

from __future__ import annotations

# First: every module of this package may then import what imports torchvision.
from segmentation import torchvision_shim  # noqa: F401

# isort: split

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, fields
from importlib import import_module
from typing import TYPE_CHECKING, Any

from torch import nn

from segmentation.architectures.light_evening import EVENED_CHANNELS, EvenLight
from segmentation.architectures_catalogue import CATALOGUE, FROM_ELSEWHERE, Facts, facts_of
from segmentation.spec import ModelSpec

if TYPE_CHECKING:
    from segmentation.architectures.encoders import Pretrained

__all__ = ["ARCHITECTURES", "Architecture", "build", "find"]

Make = Callable[[ModelSpec, "Pretrained"], nn.Module]


@dataclass(frozen=True, kw_only=True)
class Architecture(Facts):
    """`make(spec, pretrained)` gives a module float (N, C, H, W) → logits (N, K, H, W) for any H, W ≥ 1."""

    make: Make


def _by(module: str, function: str = "build", **fixed: Any) -> Make:
    """Made by a function of a module of this package, which is loaded with the first network that wants it.

    The libraries behind some families take seconds to load and hundreds of megabytes.
    """

    def make(spec: ModelSpec, pretrained: Pretrained) -> nn.Module:
        maker = getattr(import_module(f"{__name__}.{module}"), function)
        made: nn.Module = maker(spec, *([pretrained] if facts_of(spec.architecture).has_encoder else []), **fixed)
        return made

    return make


_MAKERS: dict[str, Make] = {
    "fcn-32s": _by("fcn", finest_px=32),
    "fcn-16s": _by("fcn", finest_px=16),
    "fcn-8s": _by("fcn", finest_px=8),
    "unet": _by("unet", "UNET"),
    "unetplusplus": _by("unet", "UNET_PLUS_PLUS"),
    "manet": _by("unet", "MANET"),
    "linknet": _by("unet", "LINKNET"),
    "fpn": _by("pyramids", "fpn"),
    "pan": _by("pyramids", "pan"),
    "upernet": _by("pyramids", "upernet"),
    "deeplabv3": _by("pyramids", "deeplabv3"),
    "deeplabv3plus": _by("pyramids", "deeplabv3plus"),
    "pspnet": _by("pyramids", "pspnet"),
    "segnet": _by("segnet"),
    "segmenter-linear": _by("segmenter", "build_linear"),
    "segmenter-mask": _by("segmenter", "build_mask"),
    "dpt": _by("dpt"),
    "segformer": _by("segformer"),
    "unet-hybrid": _by("unet", "UNET"),
    "unet-light": _by("light", "build_unet"),
    "linknet-light": _by("linknet_light"),
    "lraspp": _by("light", "build_lraspp"),
    "random-forest": _by("forest"),
    "linear-svm": _by("svm", "build_linear"),
    "rbf-svm": _by("svm", "build_rbf"),
    "nearest-color": _by("nearest_color"),
}


def _joined(facts: Facts, make: Make) -> Architecture:
    return Architecture(**{fact.name: getattr(facts, fact.name) for fact in fields(facts)}, make=make)


ARCHITECTURES: dict[str, Architecture] = {
    name: _joined(facts, _MAKERS[name]) for name, facts in CATALOGUE.items() if name in _MAKERS
}


def build(spec: ModelSpec, *, pretrained: Pretrained = None) -> nn.Module:
    """A new network for a spec, its encoder random or learnt elsewhere. ValueError says what does not fit."""
    family = find(spec.architecture)
    if not family.has_encoder and (spec.encoder or pretrained is not None):
        raise ValueError(f"{family.name} has no encoder to choose or to start from learnt weights: leave both out")
    if not spec.evens_light:
        return family.make(spec, pretrained)
    evened = dataclasses.replace(spec, mean=(0.0,) * EVENED_CHANNELS, std=(1.0,) * EVENED_CHANNELS)
    return EvenLight(family.make(evened, pretrained))


def find(name: str) -> Architecture:
    """ValueError where there is no such family, or where it is an ONNX file, from which nothing can be built."""
    if name == FROM_ELSEWHERE.name:
        raise ValueError("a model that came as an ONNX file cannot be built or trained anew: take one of the families")
    return ARCHITECTURES[facts_of(name).name]
