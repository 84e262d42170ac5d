"""A plant with a known week of images."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.inspections import NOON, Plant, build_plant


@pytest.fixture
def plant(db: None) -> Plant:
    """An empty plant."""
    return build_plant()


@pytest.fixture
def week(plant: Plant) -> Plant:
    """Ten images on three days: four fail, three with scratches that count and two with pits.

    12 May, line 1: 3 images, 2 with a scratch (one of them with a pit too). 13 May, line 2: 4 images, 1 pit,
    1 with a scratch below the limit and dust above it. 19 May, no source: 3 images, 1 scratch.
    """
    line_1, line_2, day = plant.line_1, plant.line_2, timedelta(days=1)
    plant.image({"scratch": [60, 5]}, source=line_1)
    plant.image({"scratch": [20], "pit": [40]}, source=line_1, captured_at=NOON + timedelta(minutes=59))
    plant.image(source=line_1, captured_at=NOON + timedelta(hours=3))
    plant.image({"pit": [30]}, source=line_2, captured_at=NOON + day)
    plant.image({"scratch": [19], "dust": [200]}, source=line_2, captured_at=NOON + day)
    plant.image(source=line_2, captured_at=NOON + day)
    plant.image(source=line_2, captured_at=NOON + day, captured_at_from="upload")
    plant.image({"scratch": [100]}, captured_at=NOON + 7 * day)
    plant.image({"dust": [21, 500]}, captured_at=NOON + 7 * day)
    plant.image(captured_at=NOON + 7 * day)
    return plant.count_up()
