"""Areas corrected for the model's known errors, from pixels or images that people marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
import scipy

from analytics.statistics.intervals import LEVEL, Estimate, z_of

MIN_AUDITED_COUNT = 10
"""Fewer audited images give no interval of an area worth the name."""


@dataclass(frozen=True)
class AdjustedArea:
    """One label's area in the unit of `map_area`, the area the model marked; `se` is the standard error of `value`."""

    map_area: float
    value: float
    low: float
    high: float
    se: float


@dataclass(frozen=True)
class ImageArea:
    """One audited image and one label, in pixels: marked rightly, marked wrongly, and missed."""

    true_positive_px: float
    false_positive_px: float
    missed_px: float


def adjusted_areas(
    matrix: Sequence[Sequence[float]], map_areas: Sequence[float], level: float = LEVEL
) -> tuple[AdjustedArea, ...]:
    """True area of each label, from single pixels drawn at random within each label the model marked.

    `matrix[i][j]` counts pixels the model called i and a person j; `map_areas[i]` is the whole area the model called i,
    in any unit. P. Olofsson et al., "Good practices for estimating area and assessing accuracy of land change", Remote
    Sensing of Environment 148 (2014) 42–57, equations 9–11. Pixels of one image are alike, so counting all pixels of a
    few images here makes intervals far too narrow: use `adjusted_area_from_images` for those. ValueError when the
    matrix is not square, or fewer than two pixels were drawn where there is area.
    """
    counts, areas = np.asarray(matrix, dtype=float), np.asarray(map_areas, dtype=float)
    if counts.ndim != 2 or counts.shape != (areas.size, areas.size):
        raise ValueError(f"expected a square matrix with a row for each of {areas.size} areas, got {counts.shape}")
    drawn = counts.sum(axis=1)
    if (counts < 0).any() or (areas < 0).any() or ((drawn < 2) & (areas > 0)).any():
        raise ValueError("expected counts and areas of 0 and more, and two drawn pixels or more for each marked label")
    used = areas > 0
    shares = counts[used] / drawn[used, None]
    value = (areas[used, None] * shares).sum(axis=0)
    se = np.sqrt((areas[used, None] ** 2 * shares * (1 - shares) / (drawn[used, None] - 1)).sum(axis=0))
    total, z = float(areas.sum()), z_of(level)
    rows = zip(areas, value, se, strict=True)
    return tuple(
        AdjustedArea(float(a), float(v), max(0.0, float(v - z * e)), min(total, float(v + z * e)), float(e))
        for a, v, e in rows
    )


def adjusted_area_from_images(
    audited: Sequence[ImageArea], marked_px: float, images_count: int | None = None, level: float = LEVEL
) -> Estimate | None:
    """True area of a label in all images, pixels, where the model marked `marked_px` of it in all of them together.

    `audited` are images drawn at random whose masks a person corrected. Each image is one draw (a cluster): the ratio
    of true to marked pixels over the audited images scales what was marked in all; W. G. Cochran, "Sampling
    techniques", 3rd ed., 1977, section 6.3, with the jackknife standard error of 6.17 and Student's t. Its degrees of
    freedom count images by how much of the spread they carry ((Σe²)²/Σe⁴ of the residuals e, as L. Kish, "Survey
    sampling", 1965, counts weights): one large area that was missed outweighs many. `images_count` (all images)
    narrows the interval where a good part of them was audited. None with fewer than `MIN_AUDITED_COUNT` images, or
    where the model marked nothing in them.
    """
    n = len(audited)
    true = np.array([image.true_positive_px + image.missed_px for image in audited], dtype=float)
    marked = np.array([image.true_positive_px + image.false_positive_px for image in audited], dtype=float)
    if n < MIN_AUDITED_COUNT or marked.sum() <= 0 or (marked.sum() - marked).min() <= 0:
        return None
    ratio = true.sum() / marked.sum()
    without = (true.sum() - true) / (marked.sum() - marked)
    left = 1 - n / max(images_count, n) if images_count else 1.0
    se = sqrt(left * (n - 1) / n * float(((without - without.mean()) ** 2).sum()))
    residuals = true - ratio * marked
    # Few images carry most of the spread: it is known no better than from that many.
    weights = residuals**2
    freedom = max(float(weights.sum() ** 2 / (weights**2).sum()) - 1, 1.0) if weights.any() else n - 1.0
    far = float(scipy.stats.t.ppf((1 + level) / 2, freedom))
    spread = far * se
    return Estimate(ratio * marked_px, max(0.0, ratio - spread) * marked_px, (ratio + spread) * marked_px)
