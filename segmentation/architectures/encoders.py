"""Encoders of segmentation-models-pytorch's registry and, as `tu-NAME`, of timm; random or learnt."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import timm
from safetensors.torch import load_file
from segmentation_models_pytorch.encoders import get_encoder_names
from torch import nn

Pretrained = str | Path | None
"""None = random; "imagenet" = fetched from the Hugging Face hub; else a folder with `model.safetensors`."""

WEIGHTS_FILE = "model.safetensors"
_FROM_TIMM = "tu-"
_NOT_FREE = "mit_b"


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
    folder = None if pretrained in (None, "imagenet") else Path(str(pretrained))
    if folder is not None and not (folder / WEIGHTS_FILE).is_file():
        raise EncoderError(
            f"no {WEIGHTS_FILE} in {folder}: name a folder that holds one, or 'imagenet', or nothing"
        )
    weights: Any = "imagenet" if pretrained == "imagenet" else None
    if encoder.startswith(_FROM_TIMM) and pretrained is not None:
        weights = True
        if folder is not None:
            arguments["pretrained_cfg_overlay"] = {"file": str(folder / WEIGHTS_FILE)}
    network = _made(make, encoder, weights, arguments)
    if folder is not None and not encoder.startswith(_FROM_TIMM):
        _load(network.encoder, folder / WEIGHTS_FILE, encoder)  # type: ignore[arg-type]
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


def _load(encoder: nn.Module, file: Path, name: str) -> None:
    try:
        encoder.load_state_dict(load_file(file))
    except (RuntimeError, KeyError) as error:
        raise EncoderError(f"{file} does not hold weights of {name}: {error}") from error
