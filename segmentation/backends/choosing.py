"""Which backend runs a model folder."""

from __future__ import annotations

import logging
import os
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Protocol

import torch

from segmentation import architectures
from segmentation.backends.eager import EagerBackend
from segmentation.backends.evened import EvenedBackend
from segmentation.backends.foreign import ForeignBackend
from segmentation.backends.signature import Signature
from segmentation.model_files import (
    BACKENDS,
    EXPORTED_TO,
    F32,
    FOREIGN_ONNX,
    ONNX,
    ONNX_FILE,
    OPENVINO,
    TORCH,
    ExportError,
    chosen_backend,
    read_check,
)
from segmentation.spec import ModelSpec
from segmentation.weights import load_model

AUTO = "auto"
_log = logging.getLogger(__name__)


class Backend(Protocol):
    """`logits`: normalised float (N, C, h, w) on `device` → float32 (N, K, h, w) there.

    `can_be_shared`: threads may ask for logits at the same time.
    """

    name: str
    device: torch.device
    can_be_shared: bool

    def logits(self, pixels: torch.Tensor) -> torch.Tensor: ...


def open_backend(folder: str | os.PathLike[str], spec: ModelSpec, device: torch.device, name: str = AUTO) -> Backend:
    """The backend of that name; "auto": the one that `backend.json` names, else PyTorch.

    Where the chosen export cannot serve (a GPU its runtime does not know, a damaged file) "auto" says so in the log
    and takes PyTorch. Asked for by name it raises ExportError; ModelFolderError where the folder holds no model.
    """
    if name not in (AUTO, *BACKENDS):
        raise ValueError(f"the backend is one of {', '.join((AUTO, *BACKENDS))}, not {name!r}")
    if spec.architecture == FOREIGN_ONNX:
        return _foreign_model(Path(folder), spec, device, name)
    if name == AUTO:
        try:
            chosen = chosen_backend(folder)
            if chosen != TORCH:
                return open_export(folder, spec, device, chosen)
        except ExportError as error:
            _log.warning("%s runs by PyTorch: %s", folder, error)
    elif name != TORCH:
        return open_export(folder, spec, device, name)
    module = load_model(folder).module
    return EagerBackend(module, device, is_exact=architectures.find(spec.architecture).is_exact)


def open_export(folder: str | os.PathLike[str], spec: ModelSpec, device: torch.device, name: str) -> Backend:
    """An export that has passed its check. ExportError where there is none or it does not run here."""
    check = read_check(folder, name)
    if check is None or not check.is_good:
        raise ExportError(f"{folder} has no checked {name} export of its weights: export it first")
    _refuse_unknown_gpu(name, device)
    signature = Signature(multiple_px=check.multiple_px, least_px=check.least_px)
    path = Path(folder) / EXPORTED_TO[name]
    return open_file(
        path,
        name,
        signature,
        device,
        evens_light=spec.evens_light,
        runtime=check.runtime or None,
        precision=check.precision,
    )


def open_file(
    path: Path,
    name: str,
    signature: Signature,
    device: torch.device,
    *,
    evens_light: bool,
    runtime: str | None = None,
    precision: str = F32,
) -> Backend:
    """Run one exported file by `runtime` ("onnx" or "openvino"; None: the one it was made for).

    `precision` "f32" or "bf16" is OpenVINO's. ExportError where it cannot be opened.
    """
    try:
        if (runtime or name) == OPENVINO:
            backend: ForeignBackend = _runtime(OPENVINO).openvino_backend(path, signature, device, precision)
        else:
            backend = _runtime(ONNX).onnx_backend(path, signature, device)
        backend.name = name
    except ValueError as error:
        raise ExportError(f"{error}; export the model again") from error
    return EvenedBackend(backend) if evens_light else backend


def _foreign_model(folder: Path, spec: ModelSpec, device: torch.device, name: str) -> ForeignBackend:
    if name not in (AUTO, ONNX):
        raise ExportError(f"this model came as an ONNX file: only ONNX Runtime can run it, not {name}")
    path = folder / ONNX_FILE
    if not path.is_file():
        raise ExportError(f"no model in {folder}: {ONNX_FILE} is missing")
    runtime = _runtime(ONNX)
    on = device if runtime.runs_on_cuda() else torch.device("cpu")
    backend: ForeignBackend = runtime.onnx_backend(path, Signature.of_options(spec.options), on)
    backend.device = device
    return backend


def runs_on(name: str, device: torch.device) -> bool:
    """Whether this backend, as installed here, knows the device. "auto" finds one that does."""
    return device.type != "cuda" or name in (AUTO, TORCH) or (name == ONNX and _runtime(ONNX).runs_on_cuda())


def _refuse_unknown_gpu(name: str, device: torch.device) -> None:
    if not runs_on(name, device):
        raise ExportError(
            f"the {name} runtime installed here has no support for NVIDIA GPUs: take device 'cpu' or backend 'torch'"
        )


def _runtime(name: str) -> ModuleType:
    """Loaded with the first export that it runs."""
    return import_module(f"segmentation.backends.{name}_runtime")
