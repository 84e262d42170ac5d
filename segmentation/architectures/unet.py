"""U-Net and what grew out of it: encoders of halving size, decoders that double it and are handed the details.

Networks of segmentation-models-pytorch; its options in its meaning.

- U-Net: Ronneberger, Fischer, Brox, MICCAI 2015. With a hybrid encoder (convolutions first, attention after: CoAtNet,
  Dai et al. 2021; MaxViT, Tu et al. 2022; EdgeNeXt, Maaz et al. 2022) it is `unet-hybrid`.
- U-Net++: Zhou, Siddiquee, Tajbakhsh, Liang, DLMIA 2018.
- MA-Net: Fan, Wang, Huang, Chen, IEEE Access 2020.
- LinkNet: Chaurasia, Culurciello, VCIP 2017.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import segmentation_models_pytorch as smp
from torch import nn

from segmentation.architectures.encoders import Pretrained, build_with_encoder
from segmentation.architectures.options import checked_options, whole_number, whole_numbers
from segmentation.spec import ModelSpec

_CHANNELS = (256, 128, 64, 32, 16)


@dataclass(frozen=True)
class SkipNetwork:
    """Makes one of these networks. A spec's options: `encoder_depth` (3–5) and `options`.

    Where `decoder_channels` is among them it goes from coarse to fine, one number for each step of the depth.
    """

    network: Callable[..., nn.Module]
    options: Iterable[str]

    def __call__(self, spec: ModelSpec, pretrained: Pretrained = None) -> nn.Module:
        """ValueError for an unknown option or encoder, or one whose shape does not suit."""
        arguments = checked_options(spec, {"encoder_depth", *self.options})
        depth = whole_number(spec, "encoder_depth", 5, least=3, most=5)
        arguments["encoder_depth"] = depth
        if "decoder_channels" in self.options:
            arguments["decoder_channels"] = whole_numbers(spec, "decoder_channels", _CHANNELS[:depth], count=depth)
        return build_with_encoder(self.network, spec, pretrained, **arguments)


_UNET_OPTIONS = ("decoder_channels", "decoder_attention_type", "decoder_interpolation", "decoder_use_norm")

UNET = SkipNetwork(smp.Unet, _UNET_OPTIONS)
UNET_PLUS_PLUS = SkipNetwork(smp.UnetPlusPlus, _UNET_OPTIONS)
MANET = SkipNetwork(
    smp.MAnet, ("decoder_channels", "decoder_pab_channels", "decoder_interpolation", "decoder_use_norm")
)
LINKNET = SkipNetwork(smp.Linknet, ("decoder_use_norm",))
