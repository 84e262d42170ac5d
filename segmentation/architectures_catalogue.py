"""What there is to say of every network family, without torch, so that web pages can list them.

The networks themselves are in `segmentation.architectures`, whose registry joins these facts and the makers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

FULLY_CONVOLUTIONAL = "Fully convolutional"
SKIP = "Skip connections"
ATROUS = "Atrous convolutions"
POOLING = "Pooling and unpooling"
TRANSFORMERS = "Transformers"
HYBRIDS = "Hybrids"
LIGHTWEIGHT = "Lightweight"
CLASSICAL = "Classical"
NO_TRAINING = "No training"

FAMILIES = (
    FULLY_CONVOLUTIONAL,
    SKIP,
    ATROUS,
    POOLING,
    TRANSFORMERS,
    HYBRIDS,
    LIGHTWEIGHT,
    CLASSICAL,
    NO_TRAINING,
)

# Light enough to learn much in an hour of two CPU cores; see docs/results.md.
LIGHT = "tu-mobilenetv4_conv_small"


@dataclass(frozen=True, kw_only=True)
class Facts:
    """One network family. `summary` says in one plain sentence what it is good for.

    `default_encoder` is what a spec without an encoder gets; None where `has_encoder` is false: such a family
    brings its own and no learnt weights can be fetched for it. `default_options`: options that suit training from
    random weights on a CPU, for a spec's `options`. `learning_rate`: what its training begins with (AdamW).
    `learns_by_gradient`: false where a classical method is fitted. `is_pointwise`: each pixel is judged by itself, so
    tiles need no overlap. `is_exact`: whole-number arithmetic that reduced precision would spoil.
    """

    name: str
    title: str
    family: str
    summary: str
    default_encoder: str | None = None
    default_options: Mapping[str, Any] = field(default_factory=dict)
    learning_rate: float = 2e-3
    is_trainable: bool = True
    learns_by_gradient: bool = True
    has_encoder: bool = True
    is_pointwise: bool = False
    is_exact: bool = False


_FACTS = (
    Facts(
        name="fcn-32s",
        title="FCN-32s",
        family=FULLY_CONVOLUTIONAL,
        summary="The oldest and simplest: finds large areas, but draws their outlines coarsely.",
        default_encoder=LIGHT,
    ),
    Facts(
        name="fcn-16s",
        title="FCN-16s",
        family=FULLY_CONVOLUTIONAL,
        summary="Like FCN-32s with outlines about twice as fine.",
        default_encoder=LIGHT,
    ),
    Facts(
        name="fcn-8s",
        title="FCN-8s",
        family=FULLY_CONVOLUTIONAL,
        summary="Quick and easy to train; good where defects are not smaller than about ten pixels.",
        default_encoder=LIGHT,
    ),
    Facts(
        name="unet",
        title="U-Net",
        family=SKIP,
        summary="A sure choice for most inspections: sharp outlines, and it learns from few images.",
        default_encoder=LIGHT,
        default_options={"decoder_channels": [64, 48, 32, 24, 16]},
    ),
    Facts(
        name="unetplusplus",
        title="U-Net++",
        family=SKIP,
        summary="A denser U-Net: a little finer on small defects, and slower.",
        default_encoder=LIGHT,
        default_options={"decoder_channels": [64, 48, 32, 24, 16]},
    ),
    Facts(
        name="manet",
        title="MA-Net",
        family=SKIP,
        summary="A U-Net that weighs places and features against each other; for defects of very different sizes.",
        # Its attention costs the square of the encoder's last channels.
        default_encoder="tu-mobilenetv3_small_100",
        default_options={"decoder_channels": [64, 48, 32, 24, 16]},
    ),
    Facts(
        name="linknet",
        title="LinkNet",
        family=SKIP,
        summary="A U-Net that adds instead of joining: faster, nearly as sharp.",
        default_encoder=LIGHT,
    ),
    Facts(
        name="fpn",
        title="FPN",
        family=SKIP,
        summary="Looks at several scales at once; good where small and large defects occur together.",
        default_encoder=LIGHT,
        default_options={"decoder_pyramid_channels": 96, "decoder_segmentation_channels": 64},
    ),
    Facts(
        name="pan",
        title="PAN",
        family=SKIP,
        summary="Lets the whole image guide the details; for defects that only their surroundings give away.",
        default_encoder=LIGHT,
    ),
    Facts(
        name="upernet",
        title="UPerNet",
        family=SKIP,
        summary="Joins many scales with a view of the whole image; accurate on varied scenes, heavier than FPN.",
        default_encoder=LIGHT,
        default_options={"decoder_channels": 64},
    ),
    Facts(
        name="deeplabv3",
        title="DeepLabV3",
        family=ATROUS,
        summary="Sees far around each place; good on large structures, less so on thin cracks.",
        default_encoder=LIGHT,
        default_options={"encoder_output_stride": 16, "decoder_channels": 96, "decoder_aspp_separable": True},
    ),
    Facts(
        name="deeplabv3plus",
        title="DeepLabV3+",
        family=ATROUS,
        summary="Sees far around each place and still keeps outlines; a strong all-rounder.",
        default_encoder=LIGHT,
        default_options={"decoder_channels": 96},
    ),
    Facts(
        name="pspnet",
        title="PSPNet",
        family=ATROUS,
        summary="Quick, guided by the whole image; for large areas rather than small defects.",
        default_encoder=LIGHT,
        default_options={"encoder_output_stride": 16, "psp_out_channels": 128},
    ),
    Facts(
        name="segnet",
        title="SegNet",
        family=POOLING,
        summary="Small memory and sharp outlines from remembered places; it learns more slowly than a U-Net.",
        has_encoder=False,
        default_options={"width": 24},
    ),
    Facts(
        name="segmenter-linear",
        title="Segmenter, linear decoder",
        family=TRANSFORMERS,
        summary="Judges every patch against the whole image; wants many images or learnt weights.",
        default_encoder="tu-vit_tiny_patch16_224",
        learning_rate=1e-3,
    ),
    Facts(
        name="segmenter-mask",
        title="Segmenter, mask transformer",
        family=TRANSFORMERS,
        summary="Like the linear Segmenter, but it learns what to ask for each label; for many labels and images.",
        default_encoder="tu-vit_tiny_patch16_224",
        learning_rate=1e-3,
    ),
    Facts(
        name="dpt",
        title="DPT",
        family=TRANSFORMERS,
        summary="A transformer with a decoder that restores detail; wants many images or learnt weights.",
        default_encoder="tu-vit_tiny_patch16_224",
        default_options={
            "decoder_intermediate_channels": [48, 64, 96, 128],
            "decoder_fusion_channels": 64,
        },
        learning_rate=1e-3,
    ),
    Facts(
        name="segformer",
        title="SegFormer",
        family=TRANSFORMERS,
        summary="The most economical transformer; sees the whole image and takes any size well.",
        has_encoder=False,
        learning_rate=1e-3,
    ),
    Facts(
        name="unet-hybrid",
        title="U-Net with a hybrid encoder",
        family=HYBRIDS,
        summary="Convolutions for detail, attention for context; the most able, and the slowest to train.",
        default_encoder="tu-edgenext_x_small",
        default_options={"decoder_channels": [64, 48, 32, 24, 16]},
        learning_rate=1e-3,
    ),
    Facts(
        name="unet-light",
        title="Light U-Net",
        family=LIGHTWEIGHT,
        summary="A slim U-Net for computers without a graphics card and for quick trainings.",
        default_encoder=LIGHT,
    ),
    Facts(
        name="linknet-light",
        title="Light LinkNet",
        family=LIGHTWEIGHT,
        summary="Learns most in an hour on a computer without a graphics card; see how it does before anything larger.",
        has_encoder=False,
        learning_rate=4e-3,
    ),
    Facts(
        name="lraspp",
        title="LR-ASPP",
        family=LIGHTWEIGHT,
        summary="The fastest here; for small computers at the line and defects that are not tiny.",
        default_encoder="tu-mobilenetv3_small_100",
    ),
    Facts(
        name="random-forest",
        title="Random forest",
        family=CLASSICAL,
        summary="Learns in seconds from a few images and shows what it looks at; for textures and colours.",
        learns_by_gradient=False,
        has_encoder=False,
        is_exact=True,
    ),
    Facts(
        name="linear-svm",
        title="Linear support vector machine",
        family=CLASSICAL,
        summary="Learns in seconds and judges quickly; for defects that differ plainly in brightness or texture.",
        learns_by_gradient=False,
        has_encoder=False,
        is_exact=True,
    ),
    Facts(
        name="rbf-svm",
        title="Support vector machine with radial kernel",
        family=CLASSICAL,
        summary="Learns in seconds from few images and draws finer distinctions than the linear one.",
        learns_by_gradient=False,
        has_encoder=False,
        is_exact=True,
    ),
    Facts(
        name="nearest-color",
        title="Label-colour model",
        family=NO_TRAINING,
        summary="Needs no training: every pixel gets the label whose colour is nearest.",
        is_trainable=False,
        learns_by_gradient=False,
        has_encoder=False,
        is_pointwise=True,
        is_exact=True,
    ),
)

CATALOGUE: dict[str, Facts] = {facts.name: facts for facts in _FACTS}
"""By name, in the order in which pages list them: by family, from simple to able."""

FROM_ELSEWHERE = Facts(
    name="onnx",
    title="ONNX model from elsewhere",
    family=NO_TRAINING,
    summary="A network trained elsewhere and brought as an ONNX file: it segments, and cannot be trained further.",
    is_trainable=False,
    learns_by_gradient=False,
    has_encoder=False,
)
"""No family of ours: nothing is built from its spec, so no page offers it; see `segmentation.importing`."""


def facts_of(name: str) -> Facts:
    """ValueError where there is no such family."""
    if name == FROM_ELSEWHERE.name:
        return FROM_ELSEWHERE
    if name not in CATALOGUE:
        raise ValueError(f"there is no architecture {name!r}: take one of {', '.join(sorted(CATALOGUE))}")
    return CATALOGUE[name]
