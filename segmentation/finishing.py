"""What a trained network gets from the validation pictures last: offset, operating points and temperature."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from torch import nn

from segmentation.judging.defect_offset import FittedOffset, fit_defect_offset
from segmentation.judging.temperature import fit_temperature
from segmentation.operating_point import choose_operating_points, with_operating_point
from segmentation.pairs import Pair
from segmentation.segmenter import Segmenter
from segmentation.spec import ModelSpec
from segmentation.validation import PictureOutcome, validate


def finished_spec(
    spec: ModelSpec,
    module: nn.Module,
    outcomes: Sequence[PictureOutcome],
    validation_pairs: Sequence[Pair],
    *,
    device: str = "auto",
    mirrors: tuple[str, ...] = (),
) -> ModelSpec:
    """The spec to save with `module` (in evaluation mode).

    Whether mirrored copies of a picture help, how far defect labels must be ahead, then the smallest regions that
    fail, then confidences that come true. `outcomes` are the network's on `validation_pairs`, as training reports
    them; `mirrors`, of `spec.MIRRORS`, the directions that may be tried.
    """

    def fitted(tried: ModelSpec) -> FittedOffset:
        return fit_defect_offset(Segmenter.of_module(tried, module, device=device), validation_pairs)

    finished, fit = spec, fitted(spec)
    if mirrors:
        mirrored = dataclasses.replace(spec, mirrors=mirrors)
        mirrored_fit = fitted(mirrored)
        if mirrored_fit.mean_iou > fit.mean_iou:
            finished, fit = mirrored, mirrored_fit
    finished = dataclasses.replace(finished, defect_offset=fit.offset)
    if finished != spec:
        spec = finished
        outcomes = _outcomes(Segmenter.of_module(spec, module, device=device), validation_pairs)
    spec = with_operating_point(spec, choose_operating_points(outcomes))
    segmenter = Segmenter.of_module(spec, module, device=device)
    return dataclasses.replace(spec, temperature=fit_temperature(segmenter, validation_pairs))


def _outcomes(segmenter: Segmenter, pairs: Sequence[Pair]) -> tuple[PictureOutcome, ...]:
    return validate(
        lambda rgb: segmenter.segment([rgb])[0].mask,
        ((pair.name, *pair.read()) for pair in pairs),
        label_count=len(segmenter.spec.labels),
        defect_indices=segmenter.spec.defect_indices,
    ).outcomes
