"""Days of images for the dashboard's further pages, with the daily sums that belong to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from tests.inspections import NOON, Plant
from webapp.models import Image, Source


def days_of(
    plant: Plant,
    found: Sequence[Mapping[str, Sequence[int]]],
    *,
    source: Source | None = None,
    per_day: int = 1,
) -> list[Image]:
    """`per_day` images on each day from 12 May 2026 on, with these areas of labels in px."""
    return [
        plant.image(areas, source=source, captured_at=NOON + timedelta(days=day, minutes=number))
        for day, areas in enumerate(found)
        for number in range(per_day)
    ]
