"""What the classical architectures share: hand-made features in front, options that `segmentation.classical.fit` left.

Without options a network is as small as it can be and knows nothing yet: every label gets the same score.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from segmentation.architectures.options import checked_options
from segmentation.classical.features import DEFAULT_SCALES, FeatureBank
from segmentation.classical.network import ClassicalNetwork
from segmentation.spec import ModelSpec

FEATURE_OPTIONS = ("scales", "uses_brightness", "uses_color", "smoothing_px", "halo_px", "feature_importance")
LARGEST_SMOOTHING_PX = 32


def network(spec: ModelSpec, own_options: tuple[str, ...], classifier: Callable[[int], nn.Module]) -> ClassicalNetwork:
    """`classifier` makes one for so many features. ValueError where an option cannot be used."""
    options = checked_options(spec, (*FEATURE_OPTIONS, *own_options))
    scales = options.get("scales", DEFAULT_SCALES)
    if not isinstance(scales, list | tuple) or not all(isinstance(scale, int | float) for scale in scales):
        raise ValueError(f"{spec.architecture} wants rising numbers as scales, not {scales!r}")
    smoothing_px = options.get("smoothing_px", 0)
    if not isinstance(smoothing_px, int | float) or not 0 <= smoothing_px <= LARGEST_SMOOTHING_PX:
        raise ValueError(f"{spec.architecture} wants 0 to {LARGEST_SMOOTHING_PX} as smoothing_px, not {smoothing_px!r}")
    bank = FeatureBank(
        spec.mean,
        spec.std,
        scales,
        uses_brightness=options.get("uses_brightness") is True,
        uses_color=options.get("uses_color") is not False,
    )
    return ClassicalNetwork(bank, classifier(len(bank.names)), len(spec.labels), smoothing_px)
