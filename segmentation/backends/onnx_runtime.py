"""ONNX files run by ONNX Runtime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime
import torch

from segmentation.backends.foreign import ForeignBackend, Run
from segmentation.backends.signature import Signature
from segmentation.model_files import ONNX

CUDA_PROVIDER, CPU_PROVIDER = "CUDAExecutionProvider", "CPUExecutionProvider"
# Errors are raised; ONNX Runtime would print them as well.
_ONLY_FATAL = 4
CPU = torch.device("cpu")


def runs_on_cuda() -> bool:
    """Whether this ONNX Runtime was built for NVIDIA GPUs."""
    return CUDA_PROVIDER in onnxruntime.get_available_providers()


def onnx_backend(path: Path, signature: Signature, device: torch.device) -> ForeignBackend:
    """Open an ONNX file on as many threads as torch has. ValueError where it cannot be run."""
    return ForeignBackend(ONNX, onnx_run(path, device), signature, device)


def onnx_run(path: Path, device: torch.device) -> Run:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.inter_op_num_threads = 1
    # Threads that wait by spinning would take the cores from decoding and measuring.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = _ONLY_FATAL
    providers = [CUDA_PROVIDER, CPU_PROVIDER] if device.type == "cuda" else [CPU_PROVIDER]
    try:
        session = onnxruntime.InferenceSession(path, options, providers=providers)
    except _errors() as error:
        raise ValueError(f"ONNX Runtime cannot open {path.name}: {first_line(error)}") from error
    (given,), outputs = session.get_inputs(), session.get_outputs()

    def run(pictures: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
        try:
            found: npt.NDArray[np.generic] = session.run([outputs[0].name], {given.name: pictures})[0]
        except _errors() as error:
            raise ValueError(f"ONNX Runtime cannot run {path.name}: {first_line(error)}") from error
        return found

    return run


def first_line(error: Exception) -> str:
    """A runtime's message without its stack."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]


def _errors() -> tuple[type[Exception], ...]:
    state = onnxruntime.capi.onnxruntime_pybind11_state
    return (
        state.Fail,
        state.InvalidArgument,
        state.InvalidGraph,
        state.InvalidProtobuf,
        state.NoSuchFile,
        state.NotImplemented,
        state.RuntimeException,
        RuntimeError,
        ValueError,
    )
