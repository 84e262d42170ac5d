"""A model is a folder: `model.json` (its spec), `model.safetensors` (its weights), `card.md` (what to know).

Weights are only ever read as safetensors, which holds arrays and nothing that can run.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import nn

from segmentation.architectures import build
from segmentation.model_files import CARD_FILE, FOREIGN_ONNX, SPEC_FILE, WEIGHTS_FILE, write_whole
from segmentation.spec import ModelSpec

__all__ = [
    "CARD_FILE",
    "SPEC_FILE",
    "WEIGHTS_FILE",
    "LoadedModel",
    "ModelFolderError",
    "load_model",
    "load_spec",
    "save_model",
]

_MAX_SPEC_BYTES = 10_000_000


class ModelFolderError(ValueError):
    """A folder that holds no whole model; the text names the file and what is wrong with it."""


@dataclass(frozen=True)
class LoadedModel:
    """`module` is in evaluation mode on the device asked for; `sha256` is that of the weights file."""

    spec: ModelSpec
    module: nn.Module
    sha256: str


def save_model(
    folder: str | os.PathLike[str],
    spec: ModelSpec,
    module: nn.Module,
    *,
    card: str,
    dtype: torch.dtype | None = None,
) -> str:
    """Write a model's three files, each at once or not at all, and return the weights' SHA-256.

    `dtype` (torch.float16, say) stores floating weights smaller; loading always gives float32. The same
    weights give the same bytes.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    content = save_tensors({name: _stored(value, dtype) for name, value in module.state_dict().items()})
    write_whole(folder / WEIGHTS_FILE, content)
    write_whole(folder / CARD_FILE, card.encode())
    write_whole(folder / SPEC_FILE, spec.to_json().encode())
    return hashlib.sha256(content).hexdigest()


def load_spec(folder: str | os.PathLike[str]) -> ModelSpec:
    """Only the spec of a model folder. ModelFolderError where it is missing or no spec."""
    file = Path(folder) / SPEC_FILE
    try:
        if file.stat().st_size > _MAX_SPEC_BYTES:
            raise ModelFolderError(f"{file} is larger than any {SPEC_FILE} can be")
        return ModelSpec.from_json(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelFolderError(f"no model in {folder}: {SPEC_FILE} cannot be read ({error.strerror})") from error
    except ModelFolderError:
        raise
    except (ValueError, RecursionError) as error:
        raise ModelFolderError(f"{file}: {error}") from error


def load_model(folder: str | os.PathLike[str], *, device: str | torch.device = "cpu") -> LoadedModel:
    """Rebuild the network of a model folder with its weights. ModelFolderError says what is wrong."""
    spec = load_spec(folder)
    if spec.architecture == FOREIGN_ONNX:
        raise ModelFolderError(f"{folder} came as an ONNX file: it can segment, but it cannot be trained or exported")
    file = Path(folder) / WEIGHTS_FILE
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ModelFolderError(f"no model in {folder}: {WEIGHTS_FILE} cannot be read ({error.strerror})") from error
    try:
        module = build(spec)
        module.load_state_dict(load_tensors(content))
    except SafetensorError as error:
        raise ModelFolderError(f"{file} is no safetensors file or is cut off: {error}") from error
    except (ValueError, RuntimeError, TypeError, LookupError, AttributeError, OverflowError) as error:
        raise ModelFolderError(f"{file} does not fit its {SPEC_FILE}: {error}") from error
    module.eval().to(device)
    return LoadedModel(spec, module, hashlib.sha256(content).hexdigest())


def _stored(value: torch.Tensor, dtype: torch.dtype | None) -> torch.Tensor:
    value = value.detach().to("cpu", copy=True)
    if dtype is not None and value.is_floating_point():
        value = value.to(dtype)
    return value.contiguous()
