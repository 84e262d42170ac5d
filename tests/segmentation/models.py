"""Specs and model folders for tests: three labels with the colours that drawn pictures are made of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from segmentation.architectures import build
from segmentation.segmenter import Segmenter
from segmentation.spec import LabelSpec, ModelSpec
from segmentation.weights import save_model

GREY, RED, BLUE = (128, 128, 128), (220, 30, 30), (30, 60, 220)
LABELS = (
    LabelSpec(0, "ground", "#808080"),
    LabelSpec(1, "red", "#dc1e1e", is_defect=True),
    LabelSpec(2, "blue", "#1e3cdc", is_defect=True),
)


def spec_of(architecture: str, **changes: Any) -> ModelSpec:
    """The smallest spec of a family."""
    if architecture == "nearest-color":
        changes = {"mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0), **changes}
    else:
        changes = {
            "encoder": "tu-mobilenetv3_small_050",
            "options": {"decoder_channels": (32, 24, 16, 12, 8)},
            **changes,
        }
    return ModelSpec(architecture=architecture, labels=LABELS, **changes)


def seeded(spec: ModelSpec, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return build(spec)


def segmenter(folder: Path, architecture: str = "nearest-color", **changes: Any) -> Segmenter:
    """A real model, saved and loaded again."""
    spec = spec_of(architecture, **changes)
    save_model(folder, spec, seeded(spec), card="for a test")
    return Segmenter(folder, device="cpu")
