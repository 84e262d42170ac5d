"""Folders written by segmentation-models-pytorch's `save_pretrained`: config.json and model.safetensors."""

from __future__ import annotations

# First: smp imports torchvision.
from segmentation import torchvision_shim  # noqa: F401

# isort: split

import inspect
import json
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import segmentation_models_pytorch as smp
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from segmentation.architectures import build, find
from segmentation.architectures.padding import Padded
from segmentation.foreign import SMP, ForeignModel, ForeignModelError, plain_file
from segmentation.spec import MAX_LABELS, LabelSpec, ModelSpec

CONFIG_FILE, TENSORS_FILE = "config.json", "model.safetensors"
PICKLED_FILES = ("pytorch_model.bin", "pytorch_model.pt", "model.pt", "model.pth", "model.bin")
ARCHITECTURE_OF = {
    "Unet": "unet",
    "UnetPlusPlus": "unetplusplus",
    "MAnet": "manet",
    "Linknet": "linknet",
    "FPN": "fpn",
    "PAN": "pan",
    "UPerNet": "upernet",
    "DeepLabV3": "deeplabv3",
    "DeepLabV3Plus": "deeplabv3plus",
    "PSPNet": "pspnet",
    "DPT": "dpt",
}
_MOST_CONFIG_BYTES = 1_000_000
_MOST_TENSOR_BYTES = 4_000_000_000
# What every family takes, or what only matters in training or for other sizes than ours.
_NOT_OPTIONS = frozenset(
    {
        "encoder_name",
        "encoder_weights",
        "classes",
        "in_channels",
        "activation",
        "aux_params",
        "upsampling",
        "dynamic_img_size",
    }
)
_HEAD = "segmentation_head."


@dataclass(frozen=True)
class SmpFolder:
    """`config` as written; `architecture`: our name for its class; `output_count` channels come out."""

    config: dict[str, Any]
    architecture: str
    encoder: str
    output_count: int
    channels: int
    options: dict[str, Any]
    tensors: Path

    @property
    def is_binary(self) -> bool:
        return self.output_count == 1


def read_smp(folder: Path) -> tuple[SmpFolder, ForeignModel]:
    """Look at a folder without building anything. ForeignModelError says what is not as it should be."""
    pickled = [name for name in PICKLED_FILES if (folder / name).exists()]
    if pickled and not (folder / TENSORS_FILE).exists():
        raise ForeignModelError(
            f"{pickled[0]} is a pickle, which could run any program when it is opened, so it is refused; load the "
            "model where it was trained and write it again with model.save_pretrained(folder)"
        )
    config = _config(folder)
    name = config.get("_model_class")
    if not isinstance(name, str) or name not in ARCHITECTURE_OF:
        raise ForeignModelError(
            f"{CONFIG_FILE} names the model class {name!r}; expected one of {', '.join(ARCHITECTURE_OF)}; "
            "other models can be brought as ONNX files"
        )
    count, channels = config.get("classes", 1), config.get("in_channels", 3)
    if type(count) is not int or not 1 <= count <= MAX_LABELS:
        raise ForeignModelError(f"{CONFIG_FILE} says {count!r} classes; expected a whole number from 1 to {MAX_LABELS}")
    if channels not in (1, 3):
        raise ForeignModelError(f"{CONFIG_FILE} says {channels!r} input channels; expected 1 (grey) or 3 (colour)")
    if config.get("aux_params"):
        raise ForeignModelError("the model also classifies whole pictures (aux_params); save it without that head")
    if count > 1 and config.get("activation") in ("sigmoid", "logsigmoid"):
        raise ForeignModelError("the model may give a pixel several labels at once (sigmoid); expected one label each")
    found = SmpFolder(
        config=config,
        architecture=ARCHITECTURE_OF[name],
        encoder=str(config.get("encoder_name", "resnet34")),
        output_count=count,
        channels=channels,
        options=_options(getattr(smp, name), config),
        tensors=plain_file(folder / TENSORS_FILE, _MOST_TENSOR_BYTES),
    )
    title = f"{find(found.architecture).title} with encoder {found.encoder}"
    takes = f"{'colour' if channels == 3 else 'grey'} pictures of any size"
    return found, ForeignModel(SMP, title, max(2, count), channels, takes, _remarks(found), can_train=True)


def built(found: SmpFolder, labels: tuple[LabelSpec, ...], mean: tuple[float, ...], std: tuple[float, ...]) -> Built:
    """Our network with the folder's weights, held against the original's outputs. ForeignModelError where they
    differ or do not fit."""
    try:
        spec = ModelSpec(found.architecture, labels, found.encoder, mean, std, options=found.options)
        module = build(spec)
        tensors = load_file(found.tensors)
        original = _original(found, tensors)
    except SafetensorError as error:
        raise ForeignModelError(f"{TENSORS_FILE} is no safetensors file or is cut off: {error}") from error
    except (ValueError, TypeError, RuntimeError, KeyError, AttributeError) as error:
        raise ForeignModelError(
            f"{CONFIG_FILE} and {TENSORS_FILE} do not make a model here: {_brief(error)}"
        ) from error
    assert isinstance(module, Padded)  # noqa: S101
    _load(module.network, tensors, is_binary=found.is_binary)
    module.eval()
    _compare(module, original, found)
    return Built(spec, module)


@dataclass(frozen=True)
class Built:
    """A network in evaluation mode and its spec."""

    spec: ModelSpec
    module: nn.Module


def _config(folder: Path) -> dict[str, Any]:
    try:
        config = json.loads(plain_file(folder / CONFIG_FILE, _MOST_CONFIG_BYTES).read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        if isinstance(error, ForeignModelError):
            raise
        raise ForeignModelError(f"{CONFIG_FILE} is not JSON as save_pretrained writes it") from error
    if not isinstance(config, dict):
        raise ForeignModelError(f"{CONFIG_FILE} is not JSON as save_pretrained writes it")
    return config


def _options(network: type[nn.Module], config: dict[str, Any]) -> dict[str, Any]:
    """What differs from the class's defaults: our families have the same."""
    usual = {name: one.default for name, one in inspect.signature(network.__init__).parameters.items()}
    plain = {name: value for name, value in config.items() if not name.startswith("_") and name not in _NOT_OPTIONS}
    options = {name: value for name, value in plain.items() if _listed(value) != _listed(usual.get(name))}
    if network is smp.PSPNet:
        # Ours is by default the paper's, with all stages and kernels with holes.
        depth = config.get("encoder_depth", 3)
        options.update(encoder_depth=depth, encoder_output_stride=2**depth if depth in (3, 4, 5) else 0)
    return options


def _brief(error: Exception) -> str:
    """The first of what may be hundreds of lines."""
    return " ".join(" ".join(str(error).split("\n")[:2]).split())[:300]


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, (tuple, list)) else value


def _remarks(found: SmpFolder) -> tuple[str, ...]:
    remarks = ["Its pictures are assumed to be normalised as ImageNet's are, unless you give a mean and deviation."]
    if found.is_binary:
        remarks.append("It tells one thing from the rest: the first label is the rest, the second the thing.")
    return tuple(remarks)


def _original(found: SmpFolder, tensors: dict[str, torch.Tensor]) -> nn.Module:
    """The class itself, as `from_pretrained` would make it, giving logits."""
    arguments = {name: value for name, value in found.config.items() if not name.startswith("_")}
    arguments.update(encoder_weights=None, activation=None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        network: nn.Module = getattr(smp, found.config["_model_class"])(**arguments)
    network.load_state_dict(dict(tensors))
    return network.eval()


def _load(network: nn.Module, tensors: dict[str, torch.Tensor], *, is_binary: bool) -> None:
    """Weights by name. Ours may lack layers that compute nothing for the mask; it may not have any of its own."""
    wanted = network.state_dict()
    given = {name: value for name, value in tensors.items() if name in wanted}
    if is_binary:
        for name in [name for name in given if name.startswith(_HEAD) and given[name].shape != wanted[name].shape]:
            # softmax over (0, z) is the sigmoid of z
            given[name] = torch.cat([torch.zeros_like(given[name]), given[name]])
    missing = sorted(set(wanted) - set(given))
    if missing:
        raise ForeignModelError(
            f"{TENSORS_FILE} lacks {missing[0]} and {len(missing) - 1} more of the network's weights"
        )
    try:
        network.load_state_dict(given)
    except RuntimeError as error:
        raise ForeignModelError(f"{TENSORS_FILE} does not fit {CONFIG_FILE}: {_brief(error)}") from error


def _compare(module: Padded, original: nn.Module, found: SmpFolder) -> None:
    height = max(module.least_px, 2 * module.multiple_px)
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randn(1, found.channels, height, height + module.multiple_px, generator=generator)
    with torch.inference_mode():
        expected, given = original(pixels), module(pixels)
    if found.is_binary:
        given = given[:, 1:] - given[:, :1]
    if given.shape != expected.shape or not torch.allclose(
        given, expected, rtol=1e-3, atol=1e-4 * float(expected.abs().max())
    ):
        raise ForeignModelError(
            "the network built here gives other numbers than the original: it uses a setting that has no match here; "
            "bring it as an ONNX file instead"
        )
