"""Which network suits a computer and a time budget, and one plain sentence why. Needs no torch.

The rules are a table, so that they can follow what is measured: see docs/models.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from segmentation.architectures_catalogue import facts_of

Target = Literal["pc", "gpu-server", "edge"]

FEWEST_PICTURES = 15
SMALLEST_CROP_PX, LARGEST_CROP_PX, CROP_STEP_PX = 96, 320, 32
LARGEST_CROP_ON_GPU_PX = 512
SHORT_MINUTES = 20


@dataclass(frozen=True)
class Recommendation:
    """For a ModelSpec (`architecture`, `encoder`, `options`) and TrainSettings (`crop_px`); `why` is one sentence.

    `crop_px` None: by the pictures as the network sees them, see `segmentation.input_choice`.
    """

    architecture: str
    encoder: str | None
    options: Mapping[str, Any]
    crop_px: int | None
    why: str


@dataclass(frozen=True)
class _Rule:
    """Holds for models that will run on `target` and are trained on a GPU or not, for at least so many minutes."""

    target: Target
    trains_on_gpu: bool
    least_minutes: float
    architecture: str
    encoder: str | None
    why: str
    options: Mapping[str, Any] = field(default_factory=dict)


_SLIM = {"decoder_channels": [64, 48, 32, 24, 16]}
_SMALL = "tu-mobilenetv4_conv_small"
_LINKNET = "linknet-light"

# The first rule that holds is taken: within a target and a kind of computer the longest time comes first.
_RULES = (
    _Rule("edge", True, 0, _LINKNET, None, "small enough for a device at the line"),
    _Rule("edge", False, 0, _LINKNET, None, "small enough for a device at the line"),
    _Rule("gpu-server", True, 60, "unet", "resnet34", "a graphics card has the time to teach and run a larger network"),
    _Rule("gpu-server", True, 0, "unet", "resnet18", "it learns quickly on a graphics card and draws sharp outlines"),
    _Rule("gpu-server", False, 0, _LINKNET, None, "without a graphics card here it learns most in the time"),
    _Rule("pc", True, 0, "unet", _SMALL, "it learns well on the graphics card here and still runs fast without", _SLIM),
    _Rule("pc", False, 0, _LINKNET, None, "it learns most in the time and runs fast without a graphics card"),
)


def recommend(
    target: str,
    minutes: float,
    image_count: int,
    label_count: int,
    median_side_px: float,
    has_gpu: bool,
) -> Recommendation:
    """For `image_count` labelled training images whose shorter sides have the median `median_side_px`.

    `target` is where the model will run; `has_gpu`: it is trained on a GPU. ValueError for an unknown target.
    """
    if target not in get_args(Target):
        raise ValueError(f"expected a target among {', '.join(get_args(Target))}, got {target!r}")
    crop_px = _crop_px(median_side_px, minutes > SHORT_MINUTES) if has_gpu else None
    if image_count < FEWEST_PICTURES:
        pictures = "one labelled image" if image_count == 1 else f"{image_count} labelled images"
        return Recommendation(
            "random-forest",
            None,
            {},
            crop_px,
            f"With only {pictures} a random forest learns most, and it does so in seconds; label about"
            f" {2 * FEWEST_PICTURES} images for a network.",
        )
    rule = next(
        rule
        for rule in _RULES
        if rule.target == target and rule.trains_on_gpu == has_gpu and minutes >= rule.least_minutes
    )
    classes = f"{label_count} classes" if label_count > 2 else "a defect and its surroundings"
    why = f"{_name(rule)}: {rule.why}, and it tells {classes} apart well."
    return Recommendation(rule.architecture, rule.encoder, dict(rule.options), crop_px, why)


def _name(rule: _Rule) -> str:
    title = facts_of(rule.architecture).title
    return f"{title} with the encoder {rule.encoder.removeprefix('tu-')}" if rule.encoder else title


def _crop_px(median_side_px: float, is_large: bool) -> int:
    """As `sampling.suggested_crop_px`; larger on a GPU that has the time for it."""
    rounded = round(median_side_px / CROP_STEP_PX) * CROP_STEP_PX
    return int(min(LARGEST_CROP_ON_GPU_PX if is_large else LARGEST_CROP_PX, max(SMALLEST_CROP_PX, rounded)))
