"""Drift of the mix of labels: whether a day's defects are shared out as in the days before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

MIN_EXPECTED_COUNT = 5
MIN_OTHERS_COUNT = 1
"""Labels of which a day expects fewer than 5 are counted together, with the smallest other label where they still make
less than 1: W. G. Cochran, "Some methods for strengthening the common χ² tests", Biometrics 10 (1954) 417–451."""


@dataclass(frozen=True)
class MixDistance:
    """How far one day's label mix is from the baseline's.

    `z` is the χ² distance on the scale of a standard normal value (about 0 when nothing changed, 3 is far), `label` the
    one that deviates most and `is_more` whether there is more of it. `z` is None when the day has too few to say.
    """

    z: float | None
    label: str | None = None
    is_more: bool = False


def mix_distances(days: Sequence[Mapping[str, int]], baseline: Mapping[str, int]) -> tuple[MixDistance, ...]:
    """The distance of each day's counts per label from those of `baseline`, days that are not among `days`.

    χ² of the table day × baseline (K. Pearson 1900), brought to a normal scale by the cube root: E. B. Wilson, M. M.
    Hilferty, "The distribution of chi-square", Proceedings of the National Academy of Sciences 17 (1931) 684–688.
    Regions come in clusters, so count images per label, not regions; give the results to `standardise` and `ewma`,
    which learn how much days differ anyway. ValueError for counts below 0.
    """
    if any(count < 0 for counts in (baseline, *days) for count in counts.values()):
        raise ValueError("expected counts of 0 and more")
    return tuple(_distance(day, baseline) for day in days)


def _distance(day: Mapping[str, int], baseline: Mapping[str, int]) -> MixDistance:
    labels = sorted({*day, *baseline})
    table = np.array([[counts.get(label, 0) for label in labels] for counts in (day, baseline)], dtype=float)
    if not labels or not table.sum(axis=1).all():
        return MixDistance(None)
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
    groups = _groups(expected.min(axis=0))
    freedom = len(groups) - 1
    if freedom < 1:
        return MixDistance(None)
    seen = np.column_stack([table[:, group].sum(axis=1) for group in groups])
    wanted = np.column_stack([expected[:, group].sum(axis=1) for group in groups])
    pulls = (seen - wanted) / np.sqrt(wanted)
    ratio = float((pulls**2).sum()) / freedom
    z = (ratio ** (1 / 3) - (1 - 2 / (9 * freedom))) / sqrt(2 / (9 * freedom))
    group = groups[int(np.abs(pulls[0]).argmax())]
    excess = table[0] - expected[0]
    worst = max(group, key=lambda i: abs(excess[i]))
    return MixDistance(z, labels[worst], bool(excess[worst] > 0))


def _groups(expected: NDArray[np.float64]) -> list[list[int]]:
    """Labels by index, each on its own but for the rare ones, which share the last group."""
    order = [int(i) for i in np.argsort(-expected)]
    alone = [i for i in order if expected[i] >= MIN_EXPECTED_COUNT]
    rare = [i for i in order if expected[i] < MIN_EXPECTED_COUNT]
    if rare and alone and sum(expected[i] for i in rare) < MIN_OTHERS_COUNT:
        rare.append(alone.pop())
    return [[i] for i in alone] + ([rare] if rare else [])
