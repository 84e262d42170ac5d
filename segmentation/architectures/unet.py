"""U-Net (Ronneberger, Fischer, Brox, 2015) of segmentation-models-pytorch, with any of its encoders."""

from __future__ import annotations

import segmentation_models_pytorch as smp
from torch import nn

from segmentation.architectures.encoders import Pretrained, build_with_encoder
from segmentation.architectures.padding import Padded
from segmentation.spec import ModelSpec

DEFAULT_ENCODER = "resnet18"
OPTIONS = frozenset(
    {
        "encoder_depth",
        "decoder_channels",
        "decoder_attention_type",
        "decoder_interpolation",
        "decoder_use_norm",
    }
)
_CHANNELS = (256, 128, 64, 32, 16)


def build(spec: ModelSpec, pretrained: Pretrained = None) -> nn.Module:
    """Logits for any picture size. `spec.options` may hold what `OPTIONS` lists, in smp's meaning.

    `decoder_channels` goes from coarse to fine, one number for each of `encoder_depth` (3–5) steps.
    ValueError for an unknown option or encoder, or one whose shape does not suit a U-Net.
    """
    unknown = set(spec.options) - OPTIONS
    if unknown:
        raise ValueError(f"unet has no option {', '.join(sorted(unknown))}; it has {', '.join(sorted(OPTIONS))}")
    depth = spec.options.get("encoder_depth", 5)
    if depth not in (3, 4, 5):
        raise ValueError(f"unet wants an encoder_depth of 3 to 5, not {depth!r}")
    channels = tuple(spec.options.get("decoder_channels", _CHANNELS[:depth]))
    if len(channels) != depth:
        raise ValueError(
            f"unet wants as many decoder_channels as its encoder_depth, {depth}; these are {len(channels)}: {channels}"
        )
    network = build_with_encoder(
        smp.Unet,
        spec.encoder or DEFAULT_ENCODER,
        pretrained,
        **{**spec.options, "classes": len(spec.labels), "decoder_channels": channels},
    )
    return Padded(network, multiple_px=32)
