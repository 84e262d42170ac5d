"""What a label's threshold does: missed against false rejects, over every size of the smallest region that fails."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np

from segmentation.validation import PictureOutcome


@dataclass(frozen=True)
class SweepPoint:
    """What would happen if this label alone decided, from regions of `min_region_px` pixels on.

    `found` and `missed` count pictures that truly have the label; `rejected` counts pictures without any true defect.
    """

    min_region_px: int
    missed: int
    rejected: int
    found: int


def sweep(outcomes: Sequence[PictureOutcome], label: int, extra: Iterable[int] = ()) -> tuple[SweepPoint, ...]:
    """The label's points, smallest threshold first; `extra` thresholds (a chosen one, say) are among them.

    Thresholds rise by about a factor √2 from 1 to the first one that no picture reaches.
    """
    sizes = np.array([outcome.defect_px.get(label, 0) for outcome in outcomes], np.int64)
    true = np.array([label in outcome.true_defects for outcome in outcomes], bool)
    good = np.array([not outcome.is_defective for outcome in outcomes], bool)
    points = []
    for limit in thresholds(int(sizes.max(initial=0)), extra):
        reached = sizes >= limit
        points.append(
            SweepPoint(
                min_region_px=limit,
                missed=int((true & ~reached).sum()),
                rejected=int((good & reached).sum()),
                found=int((true & reached).sum()),
            )
        )
    return tuple(points)


def thresholds(largest_px: int, extra: Iterable[int] = ()) -> list[int]:
    """1, 2, 3, 4, 6, 8, 11, 16, ... up to the first above `largest_px`, and the extra ones."""
    steps = [1]
    for half_doublings in count():
        if steps[-1] > largest_px:
            break
        steps.append(round(2 ** (half_doublings / 2)))
    return sorted({*steps, *(max(1, limit) for limit in extra)})
