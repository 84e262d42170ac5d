"""DPT: Ranftl, Bochkovskiy, Koltun, "Vision transformers for dense prediction", ICCV 2021.

Tokens of four depths of a vision transformer become maps of four scales, fused from coarse to fine. The network is
that of segmentation-models-pytorch.
"""

from __future__ import annotations

from typing import Any

import segmentation_models_pytorch as smp
from torch import nn

from segmentation.architectures.encoders import Pretrained, build_with_encoder
from segmentation.architectures.options import checked_options, choice, whole_number, whole_numbers
from segmentation.architectures.vision_transformers import SIZE_OPTIONS, transformer_arguments
from segmentation.spec import ModelSpec

_DEPTH = 4
_CHANNELS = (256, 512, 1024, 1024)


def build(spec: ModelSpec, pretrained: Pretrained = None) -> nn.Module:
    """Options: `SIZE_OPTIONS`, decoder_readout (cat, add, ignore), decoder_intermediate_channels (four),
    decoder_fusion_channels. ValueError for an encoder that is no vision transformer."""
    own = ("decoder_readout", "decoder_intermediate_channels", "decoder_fusion_channels")
    checked_options(spec, {*SIZE_OPTIONS, *own})
    return build_with_encoder(
        _pruned_dpt,
        spec,
        pretrained,
        decoder_readout=choice(spec, "decoder_readout", ("cat", "add", "ignore"), "cat"),
        decoder_intermediate_channels=whole_numbers(spec, own[1], _CHANNELS, count=_DEPTH),
        decoder_fusion_channels=whole_number(spec, "decoder_fusion_channels", 256),
        **transformer_arguments(spec),
    )


def _pruned_dpt(**arguments: Any) -> nn.Module:
    """Without the classifier and last normalisation, which the decoder does not use."""
    network: nn.Module = smp.DPT(encoder_depth=_DEPTH, **arguments)
    encoder: Any = network.get_submodule("encoder.model")
    encoder.prune_intermediate_layers(len(encoder.blocks) - 1, prune_norm=True)
    return network
