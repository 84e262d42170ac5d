"""What timm's vision transformers must be told to take pictures of any size, and how a spec may resize them.

Dosovitskiy et al., "An image is worth 16×16 words", ICLR 2021. Positions are learnt on one grid of patches and
interpolated to that of the picture.
"""

from __future__ import annotations

from typing import Any

import timm
from timm.models.eva import Eva
from timm.models.vision_transformer import VisionTransformer

from segmentation.architectures.encoders import EncoderError, check_encoder
from segmentation.architectures.options import choice, whole_number
from segmentation.architectures_catalogue import facts_of
from segmentation.spec import ModelSpec

SIZE_OPTIONS = ("encoder_patch_px", "encoder_blocks")
"""`encoder_patch_px` (4, 8, 16 or 32): side of a patch; smaller sees finer, at a price. `encoder_blocks`: layers."""


def transformer_arguments(spec: ModelSpec) -> dict[str, Any]:
    """Arguments for `timm.create_model`. EncoderError where the spec's encoder is no vision transformer of timm."""
    encoder = spec.encoder or facts_of(spec.architecture).default_encoder or ""
    check_encoder(encoder)
    name = encoder.removeprefix("tu-").partition(".")[0]
    if not encoder.startswith("tu-") or not _is_vision_transformer(name):
        raise EncoderError(
            f"{spec.architecture} wants a vision transformer of timm as encoder, tu-vit_tiny_patch16_224 or "
            f"tu-deit_small_patch16_224 say; encoder {encoder} is none"
        )
    arguments: dict[str, Any] = {"dynamic_img_size": True}
    if "encoder_patch_px" in spec.options:
        arguments["patch_size"] = choice(spec, "encoder_patch_px", (4, 8, 16, 32), 16)
    if "encoder_blocks" in spec.options:
        arguments["depth"] = whole_number(spec, "encoder_blocks", 12, most=48)
    return arguments


def _is_vision_transformer(name: str) -> bool:
    """Whether timm defines it beside its plain ones."""
    module = timm.model_entrypoint(name).__module__
    return module in {VisionTransformer.__module__, Eva.__module__, "timm.models.deit"}
