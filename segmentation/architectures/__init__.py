"""Network families by name. A family is a function from a spec to a module; a new one is a line below and
its facts in `segmentation.architectures_catalogue`."""

from __future__ import annotations

# First: every module of this package may then import what imports torchvision.
from segmentation import torchvision_shim  # noqa: F401

# isort: split

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import partial

from torch import nn

from segmentation.architectures import (
    dpt,
    fcn,
    forest,
    light,
    linknet_light,
    nearest_color,
    pyramids,
    segformer,
    segmenter,
    segnet,
    svm,
    unet,
)
from segmentation.architectures.encoders import EncoderError, Pretrained, encoder_names
from segmentation.architectures.light_evening import EVENED_CHANNELS, EvenLight
from segmentation.architectures_catalogue import CATALOGUE, FROM_ELSEWHERE, Facts, facts_of
from segmentation.spec import ModelSpec

__all__ = ["ARCHITECTURES", "Architecture", "EncoderError", "Pretrained", "build", "encoder_names", "find"]

Make = Callable[[ModelSpec, Pretrained], nn.Module]


@dataclass(frozen=True, kw_only=True)
class Architecture(Facts):
    """`make(spec, pretrained)` gives a module float (N, C, H, W) → logits (N, K, H, W) for any H, W ≥ 1."""

    make: Make


def _on_its_own(make: Callable[[ModelSpec], nn.Module]) -> Make:
    """For a family without an encoder to choose or to load."""
    return lambda spec, pretrained: make(spec)


_MAKERS: dict[str, Make] = {
    "fcn-32s": partial(fcn.build, finest_px=32),
    "fcn-16s": partial(fcn.build, finest_px=16),
    "fcn-8s": partial(fcn.build, finest_px=8),
    "unet": unet.UNET,
    "unetplusplus": unet.UNET_PLUS_PLUS,
    "manet": unet.MANET,
    "linknet": unet.LINKNET,
    "fpn": pyramids.fpn,
    "pan": pyramids.pan,
    "upernet": pyramids.upernet,
    "deeplabv3": pyramids.deeplabv3,
    "deeplabv3plus": pyramids.deeplabv3plus,
    "pspnet": pyramids.pspnet,
    "segnet": _on_its_own(segnet.build),
    "segmenter-linear": segmenter.build_linear,
    "segmenter-mask": segmenter.build_mask,
    "dpt": dpt.build,
    "segformer": _on_its_own(segformer.build),
    "unet-hybrid": unet.UNET,
    "unet-light": light.build_unet,
    "linknet-light": _on_its_own(linknet_light.build),
    "lraspp": light.build_lraspp,
    "random-forest": _on_its_own(forest.build),
    "linear-svm": _on_its_own(svm.build_linear),
    "rbf-svm": _on_its_own(svm.build_rbf),
    "nearest-color": _on_its_own(nearest_color.build),
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
