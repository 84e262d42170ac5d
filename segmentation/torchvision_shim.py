"""Lets torchvision, and all that imports it, load beside a CPU-only torch. Import this before torchvision.

The torchvision wheel on PyPI is built against CUDA. Where its extension cannot load, `import torchvision`
itself fails, because it registers shapes for operators that nobody defined ("operator torchvision::nms does
not exist"). Declaring those operators is enough: the networks used here never call them. Where torchvision is
whole or absent nothing happens.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import torch

_SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_OPERATORS = ("torchvision::nms", "torchvision::qnms")


def declare_missing_operators() -> bool:
    """Declare torchvision's operators where its extension does not load. True when that was needed."""
    if "torchvision" in sys.modules:
        return False
    found = importlib.util.find_spec("torchvision")
    if found is None or found.origin is None or _loads(Path(found.origin).parent):
        return False
    for operator in _OPERATORS:
        torch.library.define(operator, _SCHEMA)
    return True


def _loads(package: Path) -> bool:
    libraries = [*package.glob("_C*.so"), *package.glob("_C*.pyd")]
    if not libraries:
        return False
    try:
        torch.ops.load_library(libraries[0])
    except OSError:
        return False
    return hasattr(torch.ops.torchvision, "nms")


OPERATORS_WERE_MISSING = declare_missing_operators()
