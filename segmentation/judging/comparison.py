"""Two models on the same pictures: where they disagree, and whether one is right more often than chance allows.

McNemar, "Note on the sampling error of the difference between correlated proportions or percentages",
Psychometrika 12 (1947) 153–157: of two judges of the same pictures only those count where one is right and
the other wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import comb

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.uint8]
Masks = Callable[[str], tuple[Mask, Mask]]
"""A picture's name → the masks of both models, uint8 (H, W) of one size, in the same label indices."""


@dataclass(frozen=True)
class PictureVerdict:
    """What one model says of a picture (`fails`) and what is true (`is_defective`)."""

    name: str
    is_defective: bool
    fails: bool


@dataclass(frozen=True)
class Disagreement:
    """One picture under two models; `differing_fraction` 0–1 of its pixels have another label."""

    name: str
    is_defective: bool
    fails_a: bool
    fails_b: bool
    differing_fraction: float

    @property
    def is_verdict_changed(self) -> bool:
        return self.fails_a != self.fails_b


@dataclass(frozen=True)
class PairedVerdicts:
    """Pictures by who judged them right."""

    both_right_count: int
    only_a_right_count: int
    only_b_right_count: int
    both_wrong_count: int

    @property
    def p_value(self) -> float:
        """How likely a difference at least this large is between equally good models (exact, two-sided, 0–1)."""
        fewer = min(self.only_a_right_count, self.only_b_right_count)
        n = self.only_a_right_count + self.only_b_right_count
        return min(1.0, 2 * sum(comb(n, k) for k in range(fewer + 1)) / 2**n)


def compare(a: Iterable[PictureVerdict], b: Iterable[PictureVerdict], masks: Masks) -> list[Disagreement]:
    """Every picture, changed verdicts first, then by the share of pixels that differ, largest first.

    ValueError where the two did not judge the same pictures.
    """
    rows = [
        Disagreement(
            name=one.name,
            is_defective=one.is_defective,
            fails_a=one.fails,
            fails_b=other.fails,
            differing_fraction=differing_fraction(*masks(one.name)),
        )
        for one, other in _paired(a, b)
    ]
    return sorted(rows, key=lambda row: (not row.is_verdict_changed, -row.differing_fraction, row.name))


def paired_verdicts(a: Iterable[PictureVerdict], b: Iterable[PictureVerdict]) -> PairedVerdicts:
    """Count who was right where. ValueError where the two did not judge the same pictures."""
    counts = {(True, True): 0, (True, False): 0, (False, True): 0, (False, False): 0}
    for one, other in _paired(a, b):
        counts[(one.fails == one.is_defective, other.fails == other.is_defective)] += 1
    return PairedVerdicts(counts[True, True], counts[True, False], counts[False, True], counts[False, False])


def differing_fraction(a: Mask, b: Mask) -> float:
    """Share 0–1 of pixels with different labels. ValueError where the sizes differ."""
    if a.shape != b.shape:
        raise ValueError(f"both masks must have the picture's size, these are {a.shape} and {b.shape}")
    return float(np.count_nonzero(a != b)) / a.size


def _paired(
    a: Iterable[PictureVerdict], b: Iterable[PictureVerdict]
) -> Sequence[tuple[PictureVerdict, PictureVerdict]]:
    firsts, seconds = ({row.name: row for row in rows} for rows in (a, b))
    if alone := sorted(firsts.keys() ^ seconds.keys()):
        raise ValueError(
            f"two evaluations are compared on the same pictures; {len(alone)} are in one only, such as {alone[0]}"
        )
    for name, row in firsts.items():
        if row.is_defective != seconds[name].is_defective:
            raise ValueError(
                f"{name} is truly defective in one evaluation and good in the other: the truth must be one"
            )
    return [(row, seconds[name]) for name, row in firsts.items()]
