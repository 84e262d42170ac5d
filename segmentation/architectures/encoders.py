"""Encoders of segmentation-models-pytorch's registry and, as `tu-NAME`, of timm; random or learnt."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import timm
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from segmentation_models_pytorch.encoders import get_encoder_names
from torch import nn

Pretrained = str | Path | None
"""None = random; "imagenet" = fetched from the Hugging Face hub; else a folder with `model.safetensors`."""

WEIGHTS_FILE = "model.safetensors"
_FROM_TIMM = "tu-"
_NOT_FREE = "mit_b"
# The rest are those that timm adapts to a picture's size or channels.
_MOST = 0.9


class EncoderError(ValueError):
    """An encoder that cannot be used, or weights that cannot be had or do not fit; says what to do."""


def encoder_names() -> tuple[str, ...]:
    """Names of the registry's own encoders. Any timm network works too, as `tu-` and its name."""
    return tuple(sorted(name for name in get_encoder_names() if not name.startswith(_NOT_FREE)))


def build_with_encoder(
    make: Callable[..., nn.Module], encoder: str, pretrained: Pretrained, **arguments: Any
) -> nn.Module:
    """`make(encoder_name=..., encoder_weights=..., **arguments)`, `make` being an smp model class."""
    check_encoder(encoder)
    if pretrained in (None, "imagenet"):
        file = None
    elif not (file := Path(str(pretrained)) / WEIGHTS_FILE).is_file():
        raise EncoderError(f"there is no {file}: name a folder that holds one, or 'imagenet', or nothing")
    if encoder.startswith(_FROM_TIMM):
        network = _made(make, encoder, pretrained is not None or None, {**arguments, **_timm_arguments(encoder, file)})
        _try_out(network, encoder)
    else:
        network = _made(make, encoder, pretrained if file is None else None, arguments)
    if file is not None:
        _load(network.get_submodule("encoder"), _read(file), encoder)
    return network


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
            encoder.load_state_dict(learnt)
        except (RuntimeError, KeyError) as error:
            raise EncoderError(f"the {WEIGHTS_FILE} given is not one of {name}: {error}") from error
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


def _timm_arguments(encoder: str, file: Path | None) -> dict[str, Any]:
    arguments: dict[str, Any] = {}
    if file is not None:
        arguments["pretrained_cfg_overlay"] = {"file": str(file)}
    if encoder.startswith(f"{_FROM_TIMM}swin"):
        # Without it a Swin takes pictures of the one size it was trained with.
        arguments["strict_img_size"] = False
    return arguments


def _try_out(network: nn.Module, encoder: str) -> None:
    """Some of timm's networks take one picture size only, which shows when they are first used."""
    try:
        with torch.inference_mode():
            network.eval()(torch.zeros(1, 3, 64, 96))
    except (RuntimeError, AssertionError, ValueError) as error:
        raise EncoderError(
            f"encoder {encoder} cannot be used here, it does not take pictures of every size: {error}"
        ) from error
    network.train()
