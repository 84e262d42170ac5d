"""What computes a model's logits: PyTorch, ONNX Runtime or OpenVINO, all called in one way."""

from segmentation.backends.choosing import AUTO, Backend, open_backend, open_export, open_file, runs_on
from segmentation.backends.eager import EagerBackend
from segmentation.backends.signature import Signature

__all__ = ["AUTO", "Backend", "EagerBackend", "Signature", "open_backend", "open_export", "open_file", "runs_on"]
