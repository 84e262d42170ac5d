"""What can keep images of a data set together on one side of its split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

ALIKE = "likeness"


@dataclass(frozen=True)
class Grouping:
    """What keeps images together on one side of the split, in words for pages."""

    name: str
    title: str
    sentence: str


GROUPINGS: Mapping[str, Grouping] = {
    grouping.name: grouping
    for grouping in (
        Grouping(ALIKE, "Images that look alike", "Several images of one part, frames of one film."),
        Grouping("part", "Images of one part", "Names that are the same up to the last - or _ or space."),
        Grouping("folder", "Images of one folder", "Sub-folders of the data set."),
        Grouping("batch", "Images of one batch", "What was uploaded together."),
        Grouping("source", "Images of one source", "One line, camera, store or asset."),
        Grouping("day", "Images of one day", "By the time of capture, where it is known."),
    )
}
OF_FILES = (ALIKE, "part", "folder", "day")
OF_ANNOTATIONS = (ALIKE, "batch", "source", "day", "part")
