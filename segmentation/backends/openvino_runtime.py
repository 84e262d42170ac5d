"""Models in OpenVINO's own format, run on the CPU."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import openvino
import torch

from segmentation.backends.foreign import ForeignBackend
from segmentation.backends.signature import Signature
from segmentation.model_files import BF16, F32, OPENVINO


def computes_in_bfloat16() -> bool:
    """Whether this machine's CPU has instructions for it (AVX-512 BF16 or AMX)."""
    return "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def openvino_backend(path: Path, signature: Signature, device: torch.device, precision: str = F32) -> ForeignBackend:
    """Open a model.xml on as many threads as torch has, in float32 or in bfloat16 where the CPU computes in it.

    ValueError where it cannot be run.
    """
    # Some CPUs would be given bfloat16 by default, and masks would differ from those checked.
    hint = BF16 if precision == BF16 and computes_in_bfloat16() else F32
    settings = {"INFERENCE_NUM_THREADS": torch.get_num_threads(), "INFERENCE_PRECISION_HINT": hint}
    try:
        compiled = openvino.Core().compile_model(path, "CPU", settings)
    except RuntimeError as error:
        raise ValueError(f"OpenVINO cannot open {path.name}: {error}") from error

    def run(pictures: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
        return np.asarray(compiled(pictures)[0])

    return ForeignBackend(OPENVINO, run, signature, device)
