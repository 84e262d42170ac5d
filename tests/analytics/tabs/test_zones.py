"""Presence in zones: exactly k of n images, however they follow each other."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from analytics.images import image_count, image_rows
from analytics.statistics import effective_count, presence, wilson
from analytics.tabs.zones import NO_ZONES, Step, duration, over_steps, presences, read_zones, zones_page
from analytics.tabs.zones import _changes as changes
from tests.inspections import HEIGHT_PX, NOON, WIDTH_PX, Plant, executed
from webapp.actions.zones import rectangle
from webapp.models import Image, Region, Zone

LEFT = rectangle(left=0, top=0, width=0.5, height=1)
HOOK = ((0.5, 0), (1, 0), (1, 1), (0.5, 1), (0.5, 0.9), (0.9, 0.9), (0.9, 0.1), (0.5, 0.1))
"""Open to the left, around the middle of the right half."""


def at(image: Image, x: float, y: float) -> None:
    """Put the image's regions to this share of its width and height."""
    place = {"centroid_x_px": x * WIDTH_PX - 0.5, "centroid_y_px": y * HEIGHT_PX - 0.5}
    Region.objects.filter(prediction__image=image).exclude(label__index=0).update(**place)


def filmed(plant: Plant, xs: list[float | None], **more: Any) -> list[Image]:
    """A frame a second from line 1, with dust at this share of its width; None: without."""
    images = [
        plant.image(
            {} if x is None else {"dust": [30]},
            source=plant.line_1,
            captured_at=NOON + timedelta(seconds=second),
        )
        for second, x in enumerate(xs)
    ]
    for image, x in zip(images, xs, strict=True):
        if x is not None:
            at(image, x, 0.5)
        Image.objects.filter(pk=image.pk).update(**{"frame_seconds": 1.0, **more})
    return images


@pytest.fixture
def zones(plant: Plant) -> tuple[Zone, Zone]:
    make = plant.line_1.zones.create
    return make(name="Left", shape=LEFT), make(name="Hook", shape=HOOK)


def test_presence_is_k_of_n(plant: Plant, zones: tuple[Zone, Zone]) -> None:
    filmed(plant, [0.1, 0.2, 0.3, 0.7, 0.95, None, None, 0.2])
    plant.image({"dust": [30]}, source=plant.line_2)
    found = {(row.zone.name, row.label.name): row for row in presences(executed(read_zones, plant.scope()))}
    left, hook = found["Left", "dust"], found["Hook", "dust"]
    assert (left.seen_count, left.n, left.changes, left.region_count) == (4, 8, 2, 4)
    assert (hook.seen_count, hook.n, hook.changes) == (1, 8, 2), "0.7 lies in the hook's mouth"
    assert left.area_fraction == pytest.approx(4 * 30 / (WIDTH_PX * HEIGHT_PX) / 8)
    assert (left.seconds, hook.seconds) == (4.0, 1.0)


def test_specks_below_the_limit_are_not_there(plant: Plant, zones: tuple[Zone, Zone]) -> None:
    image = plant.image({"dust": [19, 20]}, source=plant.line_1)
    at(image, 0.1, 0.5)
    (row,) = [one for one in presences(executed(read_zones, plant.scope())) if one.zone.name == "Left"]
    assert (row.seen_count, row.region_count) == (1, 1)


def test_photos_stand_for_no_time(plant: Plant, zones: tuple[Zone, Zone]) -> None:
    filmed(plant, [0.1, None], frame_seconds=None)
    (row,) = [one for one in presences(executed(read_zones, plant.scope())) if one.zone.name == "Left"]
    assert row.seconds is None


def test_a_number_opens_the_images_behind_it(plant: Plant, zones: tuple[Zone, Zone]) -> None:
    images = filmed(plant, [0.1, 0.95, None, 0.2])
    scope = plant.scope(label_id=plant.labels["dust"].pk)
    rows = executed(image_rows, scope, zone_id=zones[0].pk)
    assert {row.image_id for row in rows.items} == {images[0].pk, images[3].pk}
    assert executed(image_count, scope, zone_id=zones[0].pk) == 2
    assert executed(image_count, plant.scope(), zone_id=zones[1].pk) == 1
    plant.count_up()
    page = executed(zones_page, scope)
    assert f"zone={zones[0].pk}" in str(page.panels[0].rows[0].query)


def test_it_is_told_minute_by_minute(plant: Plant, zones: tuple[Zone, Zone]) -> None:
    filmed(plant, [0.1] * 30 + [None] * 60 + [0.2] * 10)
    found = executed(read_zones, plant.scope())
    step = Step.of(found.frames, plant.scope())
    dust = next(label for label in found.labels if label.name == "dust")
    parts = over_steps(found, found.zones[0], dust, step)
    assert step.word == "minute"
    assert [(part.seen_count, part.n) for part in parts] == [(30, 60), (10, 40)]
    assert step.limits(parts[1].start)["hour"] == NOON


def test_the_page_says_what_was_where(plant: Plant, zones: tuple[Zone, Zone]) -> None:
    filmed(plant, [0.1, 0.1, 0.1, None])
    plant.count_up()
    page = executed(zones_page, plant.scope())
    shares, times, heat = page.panels
    assert shares.sentence.startswith("dust was in Left in 75.0% of 4 images (95% interval ")
    assert shares.rows[0].cells[:5] == ("Left: dust", "North / Line 1", "3", "4", "75.0%")
    assert shares.rows[0].cells[-1] == "3 s"
    assert times.figure is not None
    assert sum(map(sum, heat.figures[0].figure["data"][0]["z"])) == 3
    assert heat.figures[0].figure["data"][1]["x"] == [0.0, 0.5, 0.5, 0.0, 0.0]


def test_without_zones_the_page_says_where_to_draw_them(plant: Plant) -> None:
    plant.image()
    plant.count_up()
    page = executed(zones_page, plant.scope())
    assert (page.panels, page.notes) == ((), (NO_ZONES,))


def test_zones_of_cameras_without_images_are_silent(plant: Plant) -> None:
    plant.line_2.zones.create(name="Left", shape=LEFT)
    plant.image({"dust": [30]}, source=plant.line_1)
    plant.count_up()
    shares, times, heat = executed(zones_page, plant.scope()).panels
    assert (shares.figure, times.figure, heat.figures) == (None, None, ())


@pytest.mark.parametrize(
    ("places", "n", "told"), [([], 5, 0), ([1, 2, 3], 3, 0), ([1], 3, 1), ([3], 3, 1), ([2], 3, 2), ([1, 3], 3, 2)]
)
def test_changes_are_between_neighbours(places: list[int], n: int, told: int) -> None:
    assert changes(places, n) == told


@pytest.mark.parametrize(("seconds", "told"), [(4.5, "4.5 s"), (75, "1 min 15 s"), (120, "2 min"), (7260, "2 h 1 min")])
def test_durations(seconds: float, told: str) -> None:
    assert duration(seconds) == told


def test_frames_that_are_alike_tell_less() -> None:
    """Of a chain with p = 0.3 and correlation 0.8, the interval holds the truth as often as it says; Wilson's not."""
    draw, n, share, alike = np.random.default_rng(1), 600, 0.3, 0.8
    held = held_by_wilson = 0
    for _ in range(400):
        there = draw.random() < share
        sequence = []
        for _ in range(n):
            sequence.append(there)
            if draw.random() > alike:
                there = draw.random() < share
        count, switches = sum(sequence), int(np.count_nonzero(np.diff(sequence)))
        interval, plain = presence(count, n, switches), wilson(count, n)
        held += interval.low <= share <= interval.high
        held_by_wilson += plain.low <= share <= plain.high
    assert held / 400 > 0.9
    assert held_by_wilson / 400 < 0.6


def test_independent_frames_are_worth_themselves() -> None:
    assert effective_count(50, 100, 50) == pytest.approx(100, rel=0.03)
    assert effective_count(0, 100, 0) == 100
    assert effective_count(50, 100, 1) == pytest.approx(100 * 0.0202 / 1.9798, rel=0.01)
    assert presence(50, 100, 99) == wilson(50, 100)
