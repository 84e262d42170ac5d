"""How large a model is, read from its folder without loading it."""

from __future__ import annotations

import math
from pathlib import Path

from safetensors import SafetensorError, safe_open

# Running averages of batch normalisation are kept with the weights, but nothing learned them by gradient.
_NOT_LEARNED = ("running_mean", "running_var", "num_batches_tracked")


def parameter_count(folder: Path) -> int | None:
    """Learned numbers in `model.safetensors`; None where the folder has none or keeps its model otherwise."""
    path = folder / "model.safetensors"
    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="numpy") as tensors:
            learned = [name for name in tensors.keys() if not name.endswith(_NOT_LEARNED)]  # noqa: SIM118
            return sum(math.prod(tensors.get_slice(name).get_shape()) for name in learned)
    except SafetensorError:
        return None


def weights_bytes(folder: Path) -> int:
    """Bytes of the weights: everything at the top of the folder but its description and its card."""
    files = [path for path in folder.iterdir() if path.is_file()]
    return sum(path.stat().st_size for path in files if path.suffix not in (".json", ".md"))
