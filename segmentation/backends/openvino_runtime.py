"""Models in OpenVINO's own format, run on the CPU."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import openvino
import torch

from segmentation.backends.foreign import ForeignBackend
from segmentation.backends.signature import Signature
from segmentation.model_files import OPENVINO


def openvino_backend(path: Path, signature: Signature, device: torch.device) -> ForeignBackend:
    """Open a model.xml on as many threads as torch has. ValueError where it cannot be run."""
    # Some CPUs would be given bfloat16 by default, and masks would differ from those checked.
    settings = {"INFERENCE_NUM_THREADS": torch.get_num_threads(), "INFERENCE_PRECISION_HINT": "f32"}
    try:
        compiled = openvino.Core().compile_model(path, "CPU", settings)
    except RuntimeError as error:
        raise ValueError(f"OpenVINO cannot open {path.name}: {error}") from error

    def run(pictures: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
        return np.asarray(compiled(pictures)[0])

    return ForeignBackend(OPENVINO, run, signature, device)
