"""Encoders of segmentation-models-pytorch's registry and, as `tu-NAME`, of timm; random or learnt."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import timm
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from segmentation_models_pytorch.encoders import get_encoder_names
from timm.models import adapt_input_conv
from torch import nn

from segmentation.architectures.norms import with_patient_norms
from segmentation.architectures.padding import LEAST_PX, MULTIPLE_PX, Padded
from segmentation.architectures_catalogue import facts_of
from segmentation.spec import ModelSpec

Pretrained = str | Path | None
"""None = random; "imagenet" = fetched from the Hugging Face hub; else a folder with `model.safetensors`."""

WEIGHTS_FILE = "model.safetensors"
_FROM_TIMM = "tu-"
_NOT_FREE = "mit_b"
# The rest are those that timm adapts to a picture's size or channels.
_MOST = 0.9
_WHOLE_DEPTH = 5
_REFUSALS = (RuntimeError, AssertionError, ValueError)


class EncoderError(ValueError):
    """An encoder that cannot be used, or weights that cannot be had or do not fit; says what to do."""


def encoder_names() -> tuple[str, ...]:
    """Names of the registry's own encoders. Any timm network works too, as `tu-` and its name."""
    return tuple(sorted(name for name in get_encoder_names() if not name.startswith(_NOT_FREE)))


def build_with_encoder(
    make: Callable[..., nn.Module],
    spec: ModelSpec,
    pretrained: Pretrained = None,
    *,
    least_px: int = LEAST_PX,
    **arguments: Any,
) -> Padded:
    """`make(encoder_name=, encoder_weights=, in_channels=, classes=, **arguments)`, then fed pictures of any size.

    `make` is an smp model class or one that is called like it and keeps its encoder as `encoder`. `least_px`:
    smaller pictures are padded to it, because deep layers have nothing left to look at. EncoderError where the
    encoder does not exist, does not suit, or its weights cannot be had.
    """
    encoder = spec.encoder or facts_of(spec.architecture).default_encoder
    if encoder is None:
        raise EncoderError(f"{spec.architecture} needs an encoder: name one in the spec")
    check_encoder(encoder)
    if pretrained in (None, "imagenet"):
        file = None
    elif not (file := Path(str(pretrained)) / WEIGHTS_FILE).is_file():
        raise EncoderError(f"there is no {file}: name a folder that holds one, or 'imagenet', or nothing")
    arguments = {**arguments, "in_channels": spec.channels, "classes": len(spec.labels)}
    if encoder.startswith(_FROM_TIMM):
        network = _made(make, encoder, pretrained is not None or None, {**arguments, **_timm_arguments(encoder, file)})
    else:
        network = _made(make, encoder, pretrained if file is None else None, arguments)
    if file is not None:
        _load(network.get_submodule("encoder"), _read(file), encoder)
    network = with_patient_norms(network)
    padded = _fed(network, encoder, spec.channels, least_px)
    if not encoder.startswith(_FROM_TIMM) or arguments.get("encoder_depth", _WHOLE_DEPTH) < _WHOLE_DEPTH:
        _without_idle_parts(padded, spec.channels)
    return padded.train()


def check_encoder(encoder: str) -> None:
    """EncoderError where there is no such encoder or its licence forbids commercial use."""
    if encoder.startswith(_NOT_FREE):
        raise EncoderError(
            f"{encoder} is left out: its code is under NVIDIA's non-commercial licence. "
            "Take tu-convnext_tiny or tu-pvt_v2_b0 instead"
        )
    known = encoder in get_encoder_names()
    if encoder.startswith(_FROM_TIMM):
        known = timm.is_model(encoder.removeprefix(_FROM_TIMM).partition(".")[0])
    if not known:
        raise EncoderError(
            f"there is no encoder {encoder!r}: take one of {', '.join(encoder_names())}, "
            "or tu- and the name of a timm model"
        )


def _made(make: Callable[..., nn.Module], encoder: str, weights: Any, arguments: dict[str, Any]) -> nn.Module:
    try:
        with warnings.catch_warnings():
            # smp announces that its `timm-` names will go one day; they are in its registry today.
            warnings.simplefilter("ignore", DeprecationWarning)
            return make(encoder_name=encoder, encoder_weights=weights, **arguments)
    except (
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        AttributeError,
        RuntimeError,
        AssertionError,
    ) as error:
        raise EncoderError(f"encoder {encoder} cannot be used here: {error}") from error
    except OSError as error:
        raise EncoderError(
            f"the weights of {encoder} could not be fetched from the Hugging Face hub "
            f"({type(error).__name__}). Without internet: copy its {WEIGHTS_FILE} into a folder and name "
            "that folder, or start from random weights"
        ) from error


def _read(file: Path) -> dict[str, torch.Tensor]:
    try:
        return load_file(file)
    except (SafetensorError, OSError) as error:
        raise EncoderError(f"{file} is no safetensors file or is cut off: {error}") from error


def _load(encoder: nn.Module, learnt: dict[str, torch.Tensor], name: str) -> None:
    """timm has read its file already, leaving random what it did not find, and said so only in its log."""
    if not name.startswith(_FROM_TIMM):
        try:
            encoder.load_state_dict(_for_channels(encoder, learnt))
        except (RuntimeError, KeyError) as error:
            raise EncoderError(f"the {WEIGHTS_FILE} given is not one of {name}: {error}") from error
        return
    by_shape: dict[torch.Size, list[torch.Tensor]] = {}
    for value in learnt.values():
        by_shape.setdefault(value.shape, []).append(value)
    kernels = [value for value in encoder.parameters() if value.ndim > 1]
    found = sum(
        any(torch.equal(kernel.detach(), value) for value in by_shape.get(kernel.shape, [])) for kernel in kernels
    )
    if found < _MOST * len(kernels):
        raise EncoderError(
            f"the {WEIGHTS_FILE} given is not one of {name}: it holds {found} of its {len(kernels)} kernels"
        )


def _for_channels(encoder: nn.Module, learnt: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Kernels learnt on RGB, added up or repeated where the encoder takes another number of channels."""
    own = encoder.state_dict()
    return {
        name: adapt_input_conv(own[name].shape[1], value)
        if name in own and value.ndim == 4 and value.shape[1] == 3 != own[name].shape[1]
        else value
        for name, value in learnt.items()
    }


def _timm_arguments(encoder: str, file: Path | None) -> dict[str, Any]:
    arguments: dict[str, Any] = {}
    if file is not None:
        arguments["pretrained_cfg_overlay"] = {"file": str(file)}
    name = encoder.removeprefix(_FROM_TIMM)
    if name.startswith("swin"):
        # Without it a Swin takes pictures of the one size it was trained with.
        arguments["strict_img_size"] = False
    if name.removeprefix("test_").startswith(("coatnet", "coatnext")):
        # CoAtNet's table of relative positions is made for one size; its convolutions know the places anyway.
        arguments["transformer_rel_pos_type"] = "none"
    return arguments


def _fed(network: nn.Module, encoder: str, channels: int, least_px: int) -> Padded:
    """The network with the padding it needs; some of timm's take one size only, which shows in use."""
    padded = Padded(network, multiple_px=MULTIPLE_PX, least_px=least_px)
    try:
        _try_out(padded, channels)
    except _REFUSALS as error:
        own_px = _own_size_px(encoder)
        if own_px % MULTIPLE_PX == 0 and own_px > MULTIPLE_PX:
            # MaxViT's windows fit multiples of the size it was made for.
            padded = Padded(network, multiple_px=own_px)
            with suppress(*_REFUSALS):
                _try_out(padded, channels, width=own_px + 1)
                return padded
        raise EncoderError(
            f"encoder {encoder} cannot be used here, it does not take pictures of every size: {error}"
        ) from error
    return padded


def _own_size_px(encoder: str) -> int:
    if not encoder.startswith(_FROM_TIMM):
        return MULTIPLE_PX
    settings = timm.get_pretrained_cfg(encoder.removeprefix(_FROM_TIMM))
    return int(settings.input_size[-1]) if settings is not None else MULTIPLE_PX


def _try_out(padded: Padded, channels: int, width: int = 96) -> None:
    with torch.inference_mode():
        padded.eval()(torch.zeros(1, channels, 64, width))


def _without_idle_parts(padded: Padded, channels: int) -> None:
    """Drop the stages that a shallow decoder never asks for, and take what else is idle out of the training.

    Some encoders keep and compute them all; data-parallel training wants every weight to have a gradient.
    """
    if torch.is_inference_mode_enabled():
        return
    with torch.enable_grad():
        padded.eval()(torch.zeros(1, channels, 64, 96)).sum().backward()
    stages = getattr(getattr(padded.network.get_submodule("encoder"), "model", None), "blocks", None)
    while isinstance(stages, nn.Sequential) and len(stages) > 1 and _is_idle(stages[-1]):
        del stages[-1]
    for parameter in padded.parameters():
        parameter.requires_grad_(parameter.grad is not None)
    padded.zero_grad(set_to_none=True)


def _is_idle(stage: nn.Module) -> bool:
    return all(parameter.grad is None for parameter in stage.parameters())
