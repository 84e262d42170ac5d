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


_CONVOLUTIONS = "tu-test_efficientnet"
_SMALLEST: dict[str, dict[str, Any]] = {
    "fcn-32s": {"encoder": _CONVOLUTIONS},
    "fcn-16s": {"encoder": _CONVOLUTIONS},
    "fcn-8s": {"encoder": _CONVOLUTIONS},
    "unet": {"encoder": "tu-mobilenetv3_small_050", "options": {"decoder_channels": (32, 24, 16, 12, 8)}},
    "unetplusplus": {"encoder": _CONVOLUTIONS, "options": {"decoder_channels": (16, 16, 8, 8, 8)}},
    "manet": {"encoder": _CONVOLUTIONS, "options": {"decoder_channels": (16, 16, 8, 8, 8), "decoder_pab_channels": 8}},
    "linknet": {"encoder": _CONVOLUTIONS},
    "fpn": {
        "encoder": _CONVOLUTIONS,
        "options": {"decoder_pyramid_channels": 16, "decoder_segmentation_channels": 32},
    },
    "pan": {"encoder": _CONVOLUTIONS, "options": {"decoder_channels": 8}},
    "upernet": {"encoder": _CONVOLUTIONS, "options": {"decoder_channels": 16}},
    "deeplabv3": {"encoder": _CONVOLUTIONS, "options": {"encoder_output_stride": 16, "decoder_channels": 16}},
    "deeplabv3plus": {"encoder": _CONVOLUTIONS, "options": {"decoder_channels": 16}},
    "pspnet": {"encoder": _CONVOLUTIONS, "options": {"encoder_output_stride": 16, "psp_out_channels": 16}},
    "segnet": {"options": {"width": 4}},
    "segmenter-linear": {"encoder": "tu-test_vit"},
    "segmenter-mask": {"encoder": "tu-test_vit", "options": {"decoder_depth": 1}},
    "dpt": {
        "encoder": "tu-test_vit",
        "options": {"decoder_intermediate_channels": (8, 8, 8, 8), "decoder_fusion_channels": 16},
    },
    "segformer": {"options": {"depths": (1, 1, 1, 1), "widths": (8, 16, 20, 32), "decoder_width": 16}},
    "unet-hybrid": {"encoder": "tu-test_coatnet", "options": {"decoder_channels": (16, 16, 8, 8, 8)}},
    "unet-light": {"encoder": _CONVOLUTIONS, "options": {"decoder_channels": (16, 8, 8, 8)}},
    "linknet-light": {"options": {"widths": (8, 8, 8, 8, 16, 16)}},
    "lraspp": {"encoder": _CONVOLUTIONS, "options": {"width": 16}},
    "nearest-color": {"mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)},
}


def spec_of(architecture: str, **changes: Any) -> ModelSpec:
    """The smallest spec of a family."""
    return ModelSpec(**{"architecture": architecture, "labels": LABELS, **_SMALLEST.get(architecture, {}), **changes})


def seeded(spec: ModelSpec, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return build(spec)


def segmenter(folder: Path, architecture: str = "nearest-color", **changes: Any) -> Segmenter:
    """A real model, saved and loaded again."""
    spec = spec_of(architecture, **changes)
    save_model(folder, spec, seeded(spec), card="for a test")
    return Segmenter(folder, device="cpu")
