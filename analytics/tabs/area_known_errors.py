"""Areas corrected for what the model is known to miss and to add, from its newest evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from analytics.statistics.areas import (
    MIN_AUDITED_COUNT,
    AdjustedArea,
    ImageArea,
    adjusted_area_from_images,
    adjusted_areas,
)
from analytics.statistics.intervals import Estimate

MIN_DRAWS_COUNT = 2
"""What `adjusted_areas` needs of every label that was marked."""


def areas_from_images(
    images: Sequence[Mapping[str, Sequence[int]]], pixels: Mapping[int, int]
) -> dict[int, Estimate] | str:
    """Label id → its true area in pixels, from errors counted image by image; or, in a sentence, why it cannot be said.

    `images`: of each labelled image, label id → pixels marked rightly, marked wrongly and missed. `pixels`: label id →
    what the model marked in all images together. Each image is one draw (see `adjusted_area_from_images`); labels that
    too few of them show are left out.
    """
    if len(images) < MIN_AUDITED_COUNT:
        return f"{len(images)} labelled images are too few. Evaluate the model on {MIN_AUDITED_COUNT} or more."
    found = {
        label_id: adjusted_area_from_images([ImageArea(*image.get(str(label_id), (0, 0, 0))) for image in images], px)
        for label_id, px in pixels.items()
    }
    return {label_id: area for label_id, area in found.items() if area is not None}


def corrected_areas(
    scores: Mapping[str, Any], image_count: int, pixels: Mapping[str, int]
) -> dict[str, AdjustedArea] | str:
    """The same by label name, for evaluations from before errors were counted image by image.

    `pixels`: label name → what the model marked in all images together. Shares of errors come from the pixels of the
    evaluated images (Olofsson et al. 2014, see `adjusted_areas`). Pixels of one region are alike, so each region the
    model marked there counts as one draw, and for labels of which regions are not counted each image: with all pixels
    as draws the intervals would be far too narrow.
    """
    names: Sequence[str] = scores.get("labels") or []
    confusion: Sequence[Sequence[int]] = scores.get("confusion") or []
    if not names or not confusion:
        return "the evaluation is from before errors were counted label by label. Evaluate the model again."
    known = {name.casefold(): name for name in names}
    marked = {known[name.casefold()]: px for name, px in pixels.items() if name.casefold() in known}
    strangers = [name for name, px in pixels.items() if px and name.casefold() not in known]
    if strangers:
        return f"the evaluation knows no label “{strangers[0]}”."
    matrix = []
    for place, name in enumerate(names):
        row = [float(truth[place]) for truth in confusion]
        total, draws = sum(row), _draws(scores, name, image_count)
        if marked.get(name) and (total == 0 or draws < MIN_DRAWS_COUNT):
            return f"in the evaluated images the model marked too little {name}. Add images that show it."
        matrix.append([value / total * draws if total else 0.0 for value in row])
    areas = adjusted_areas(matrix, [marked.get(name, 0) for name in names])
    by_name = dict(zip(names, areas, strict=True))
    return {name: by_name[known[name.casefold()]] for name in pixels if name.casefold() in known}


def _draws(scores: Mapping[str, Any], name: str, image_count: int) -> int:
    sizes = (scores.get("regions") or {}).get(name) or []
    regions = sum(int(size["found"]) + int(size["false"]) for size in sizes)
    return regions if regions else image_count
