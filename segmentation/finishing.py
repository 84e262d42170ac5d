"""What a trained network gets from the validation pictures last: its operating points and its temperature."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from torch import nn

from segmentation.judging.temperature import fit_temperature
from segmentation.operating_point import choose_operating_points, with_operating_point
from segmentation.pairs import Pair
from segmentation.segmenter import Segmenter
from segmentation.spec import ModelSpec
from segmentation.validation import PictureOutcome


def finished_spec(
    spec: ModelSpec,
    module: nn.Module,
    outcomes: Sequence[PictureOutcome],
    validation_pairs: Sequence[Pair],
    *,
    device: str = "auto",
) -> ModelSpec:
    """The spec to save with `module` (in evaluation mode): smallest regions that fail, confidences that come true.

    `outcomes` are the network's on `validation_pairs`, as training reports them.
    """
    spec = with_operating_point(spec, choose_operating_points(outcomes))
    segmenter = Segmenter.of_module(spec, module, device=device)
    return dataclasses.replace(spec, temperature=fit_temperature(segmenter, validation_pairs))
