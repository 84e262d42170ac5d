"""Scores of parts of a data set: a model that is good on the whole may be useless on one line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from segmentation.agreement import Agreement
from segmentation.operating_point import OperatingPoint, operating_point
from segmentation.validation import PictureOutcome

_PREFIX = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True)
class SliceScore:
    """The pictures of one slice: how many, their pixels, their verdicts."""

    name: str
    image_count: int
    agreement: Agreement
    point: OperatingPoint


def score_slices(
    agreements: Mapping[str, Agreement],
    slices: Mapping[str, str],
    outcomes: Sequence[PictureOutcome],
    min_region_px: int,
    label_limits: Mapping[int, int],
) -> tuple[SliceScore, ...]:
    """Scores by slice, in order of their names. `agreements`: slice → its pixels; `slices`: picture → slice."""
    scores = []
    for name, agreement in sorted(agreements.items()):
        members = [outcome for outcome in outcomes if slices.get(outcome.name) == name]
        point = operating_point(members, min_region_px, label_limits)
        scores.append(SliceScore(name=name, image_count=len(members), agreement=agreement, point=point))
    return tuple(scores)


def slices_by_name(names: Iterable[str]) -> dict[str, str]:
    """Name → slice: the folder where a name has one (`line1/a.png` → `line1`), else its letters up to the first
    digit or sign (`exp3_num_7` → `exp`). Empty where that tells nothing apart: one slice, or nearly one a picture."""
    found = {name: _prefix(name) for name in names}
    count = len(set(found.values()))
    return found if 1 < count <= max(2, len(found) // 4) else {}


def _prefix(name: str) -> str:
    folder, slash, _ = name.rpartition("/")
    if slash:
        return folder
    letters = _PREFIX.match(name)
    return letters.group() if letters else "other"
