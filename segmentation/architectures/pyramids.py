"""Networks that look at an encoder's features in several scales, of segmentation-models-pytorch.

- FPN: Kirillov, Girshick, He, Dollár, "Panoptic feature pyramid networks", CVPR 2019.
- PAN: Li, Xiong, An, Wang, "Pyramid attention network for semantic segmentation", BMVC 2018.
- UPerNet: Xiao, Liu, Zhou, Jiang, Sun, "Unified perceptual parsing", ECCV 2018.
- DeepLabV3: Chen, Papandreou, Schroff, Adam, arXiv 1706.05587, 2017; V3+: Chen et al., ECCV 2018. Both see far by
  atrous spatial pyramid pooling: kernels with holes of several widths beside the mean of the whole picture.
- PSPNet: Zhao, Shi, Qi, Wang, Jia, "Pyramid scene parsing network", CVPR 2017.
"""

from __future__ import annotations

import segmentation_models_pytorch as smp
from torch import nn

from segmentation.architectures.encoders import Pretrained, build_with_encoder
from segmentation.architectures.options import checked_options, choice, whole_number, whole_numbers
from segmentation.spec import ModelSpec

_RATES = (12, 24, 36)


def fpn(spec: ModelSpec, pretrained: Pretrained = None) -> nn.Module:
    """Options: decoder_pyramid_channels, decoder_segmentation_channels (a multiple of 32), decoder_merge_policy,
    decoder_dropout, decoder_interpolation."""
    options = checked_options(
        spec,
        {
            "decoder_pyramid_channels",
            "decoder_segmentation_channels",
            "decoder_merge_policy",
            "decoder_dropout",
            "decoder_interpolation",
        },
    )
    if whole_number(spec, "decoder_segmentation_channels", 128) % 32:
        raise ValueError("fpn normalises in 32 groups: decoder_segmentation_channels must be a multiple of 32")
    choice(spec, "decoder_merge_policy", ("add", "cat"), "add")
    return build_with_encoder(smp.FPN, spec, pretrained, **options)


def pan(spec: ModelSpec, pretrained: Pretrained = None) -> nn.Module:
    """Options: encoder_output_stride (16 or 32), decoder_channels, decoder_interpolation."""
    options = checked_options(spec, {"encoder_output_stride", "decoder_channels", "decoder_interpolation"})
    stride = choice(spec, "encoder_output_stride", (16, 32), 16)
    whole_number(spec, "decoder_channels", 32)
    # Its attention halves the coarsest features three times more.
    return build_with_encoder(smp.PAN, spec, pretrained, least_px=8 * stride, **options)


def upernet(spec: ModelSpec, pretrained: Pretrained = None) -> nn.Module:
    """Options: decoder_channels, decoder_use_norm."""
    options = checked_options(spec, {"decoder_channels", "decoder_use_norm"})
    whole_number(spec, "decoder_channels", 256)
    return build_with_encoder(smp.UPerNet, spec, pretrained, **options)


_DEEPLAB_OPTIONS = frozenset(
    {
        "encoder_output_stride",
        "decoder_channels",
        "decoder_atrous_rates",
        "decoder_aspp_separable",
        "decoder_aspp_dropout",
    }
)


def deeplabv3(spec: ModelSpec, pretrained: Pretrained = None) -> nn.Module:
    """Options: encoder_output_stride (8 or 16), decoder_channels, decoder_atrous_rates (three), decoder_aspp_separable,
    decoder_aspp_dropout."""
    return _deeplab(smp.DeepLabV3, spec, pretrained)


def deeplabv3plus(spec: ModelSpec, pretrained: Pretrained = None) -> nn.Module:
    """Options: those of deeplabv3."""
    return _deeplab(smp.DeepLabV3Plus, spec, pretrained)


def _deeplab(network: type[nn.Module], spec: ModelSpec, pretrained: Pretrained) -> nn.Module:
    options = checked_options(spec, _DEEPLAB_OPTIONS)
    if "encoder_output_stride" in options:
        choice(spec, "encoder_output_stride", (8, 16), 16)
    whole_number(spec, "decoder_channels", 256)
    options["decoder_atrous_rates"] = whole_numbers(spec, "decoder_atrous_rates", _RATES, count=3)
    return build_with_encoder(network, spec, pretrained, **options)


def pspnet(spec: ModelSpec, pretrained: Pretrained = None) -> nn.Module:
    """Options: encoder_output_stride (8 as in the paper, 16 or 32), psp_out_channels, psp_dropout, decoder_use_norm.

    And encoder_depth (5; 3 or 4 leave the last stages out, as smp does by default: their stride is 8 or 16).
    """
    own = {"encoder_depth", "encoder_output_stride"}
    options = checked_options(spec, {*own, "psp_out_channels", "psp_dropout", "decoder_use_norm"})
    options = {name: value for name, value in options.items() if name not in own}
    depth = whole_number(spec, "encoder_depth", 5, least=3, most=5)
    stride = choice(
        spec, "encoder_output_stride", (8, 16, 32) if depth == 5 else (2**depth,), 8 if depth == 5 else 2**depth
    )
    if stride != 2**depth:
        options["output_stride"] = stride
    whole_number(spec, "psp_out_channels", 512)
    return build_with_encoder(smp.PSPNet, spec, pretrained, encoder_depth=depth, upsampling=stride, **options)
