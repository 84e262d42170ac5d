"""The area page's numbers, against rows whose right answer is known."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from analytics.panels import HOLLOW, Panel
from analytics.scope import Scope
from analytics.tabs.area import area_page, read_area, square
from analytics.tabs.area_known_errors import corrected_areas
from analytics.theme import SURFACE
from analytics.wording import percent
from tests.analytics.tabs.seed import days_of
from tests.inspections import NOON, PIXELS, Plant, executed
from tests.ledger_rows import evaluated


def panel(scope: Scope, key: str) -> Panel:
    return next(one for one in executed(area_page, scope).panels if one.key == key)


def test_shares_by_day_are_pixels_of_the_label_over_pixels_inspected(week: Plant) -> None:
    scratch = week.labels["scratch"]
    shown = panel(week.scope(label_id=scratch.pk, bucket="day"), "area-time")
    assert [row.cells[0] for row in shown.rows] == ["12 May 2026", "13 May 2026", "19 May 2026"]
    assert [row.cells[3] for row in shown.rows] == ["85", "19", "100"]
    assert shown.figure is not None
    assert shown.figure["data"][0]["y"] == pytest.approx([85 / (3 * PIXELS), 19 / (4 * PIXELS), 100 / (3 * PIXELS)])
    assert "from=2026-05-12" in str(shown.rows[0].query)
    assert f"label={scratch.pk}" in str(shown.rows[0].query)


def test_a_batch_says_the_same_as_the_daily_sums(week: Plant) -> None:
    scope = week.scope(bucket="day")
    by_days, by_rows = executed(read_area, scope), executed(read_area, replace(scope, batch_id=week.batch.pk))
    assert by_rows.days == by_days.days
    assert set(by_rows.found) == set(by_days.found)
    assert [by_rows.label_pixels(label) for label in by_rows.labels] == [
        by_days.label_pixels(label) for label in by_days.labels
    ]
    assert by_rows.spread == by_days.spread


def test_the_spread_counts_every_image_once(week: Plant) -> None:
    area = executed(read_area, week.scope(label_id=week.labels["scratch"].pk))
    counts = [sum(bucket) for bucket in zip(*(row.counts for row in area.spread), strict=True)]
    assert sum(counts) == 10
    assert counts[0] == 6
    words = panel(area.scope, "area-spread").sentence
    assert words.startswith("4 images of 10 show it")


def test_whole_months_stand_for_their_days(week: Plant) -> None:
    scope = week.scope(label_id=week.labels["scratch"].pk, start=date(2026, 4, 20), end=date(2026, 6, 10))
    shown = executed(read_area, scope)
    assert sum(sum(row.counts) for row in shown.spread) == 10


def test_too_few_days_make_no_limits(week: Plant) -> None:
    assert panel(week.scope(bucket="day"), "area-control").sentence.startswith(
        "No limits are drawn. 3 points are too few"
    )


def test_a_day_of_few_images_is_hollow(plant: Plant) -> None:
    days_of(plant, [{"scratch": [60]}] * 2, per_day=30)
    plant.image({"scratch": [60]}, captured_at=NOON + timedelta(days=2))
    plant.count_up()
    for key in ("area-time", "area-control"):
        shown = panel(plant.scope(bucket="day"), key)
        assert shown.sentence.endswith(HOLLOW)
        assert shown.figure is not None
        colors = shown.figure["data"][0]["marker"]["color"]
        assert colors[2] == SURFACE
        assert SURFACE not in colors[:2]
    enough = plant.scope(bucket="day", end=NOON.date() + timedelta(days=1))
    assert "Hollow" not in panel(enough, "area-time").sentence


def test_a_day_out_of_the_ordinary_is_told(plant: Plant) -> None:
    areas = [{"scratch": [50 + day % 3]} for day in range(20)] + [{"scratch": [400]}]
    days_of(plant, areas)
    shown = panel(plant.count_up().scope(), "area-control")
    assert "1 Jun is above the upper limit" in shown.sentence
    assert shown.rows[-1].cells[1] == "8.0%"


def test_square_millimetres_need_every_source_calibrated(week: Plant) -> None:
    assert "Not calibrated: " in panel(week.scope(), "area-mm").sentence
    week.line_1.mm_per_pixel = 0.5
    week.line_1.save()
    shown = panel(week.scope(source_id=week.line_1.pk), "area-mm")
    cells = {row.cells[0]: row.cells for row in shown.rows}
    assert cells["scratch"][1] == square(85 * 0.25)
    assert [square(0), square(0.004), square(21.25), square(20_000), square(2_500_000)] == [
        "0.0 mm²",
        "0.004 mm²",
        "21.2 mm²",
        "200.0 cm²",
        "2.50 m²",
    ]


def test_without_an_evaluation_the_page_says_what_to_do(week: Plant) -> None:
    shown = panel(week.scope(), "area-corrected")
    assert shown.figure is None
    assert "evaluate the model on it" in shown.sentence
    assert shown.link is not None
    assert shown.link.page == "models"


def test_areas_are_corrected_by_errors_counted_image_by_image(plant: Plant) -> None:
    """Of 1,000 px marked per labelled image 900 are right and 300 more were missed: six fifths of what was marked."""
    plant.image({"scratch": [100], "pit": [50]})
    labelled = [(900 + change, 100, 300 - change) for change in range(-10, 11)]
    evaluated(plant, [plant.image() for _ in labelled], labelled)
    plant.count_up()
    shown = panel(plant.scope(), "area-corrected")
    assert "21 labelled images of “set”" in shown.sentence
    assert "taken as a random sample" in shown.sentence
    assert "Too few of the labelled images show pit" in shown.sentence
    cells = {row.cells[0]: row.cells for row in shown.rows}
    n = 22 * PIXELS
    assert cells["scratch"][1:3] == (percent(100 / n), percent(120 / n))
    assert cells["pit"][2:] == ("–", "–")
    assert cells["scratch"][3] != "–"


def test_too_few_labelled_images_correct_nothing(plant: Plant) -> None:
    plant.image({"scratch": [100]})
    evaluated(plant, [plant.image() for _ in range(3)], [(900, 100, 300)] * 3)
    shown = panel(plant.count_up().scope(), "area-corrected")
    assert shown.sentence == (
        "It cannot be corrected: 3 labelled images are too few. Evaluate the model on 10 or more."
    )


def scores(**changes: Any) -> dict[str, Any]:
    """Of 1,000 px of truth each: scratch is found by nine tenths, and a hundredth of the rest is taken for it."""
    found = {"from_px": 1, "to_px": None, "size": "all", "missed": 0}
    return {
        "labels": ["background", "scratch"],
        "confusion": [[9_900, 100], [100, 900]],
        "regions": {"background": [], "scratch": [{**found, "found": 45, "false": 5}]},
        **changes,
    }


def test_areas_are_corrected_by_the_shares_of_errors() -> None:
    areas = corrected_areas(scores(), 40, {"background": 99_000, "scratch": 1_000})
    assert not isinstance(areas, str)
    assert areas["scratch"].value == pytest.approx(1_000 * 0.9 + 99_000 * 0.01)
    assert areas["background"].value == pytest.approx(1_000 * 0.1 + 99_000 * 0.99)
    assert areas["scratch"].low < 1_890 < areas["scratch"].high
    more = corrected_areas(scores(), 4_000, {"background": 99_000, "scratch": 1_000})
    assert not isinstance(more, str)
    assert more["scratch"].se < areas["scratch"].se, "more images make it surer"


@pytest.mark.parametrize(
    ("changes", "pixels", "words"),
    [
        ({"confusion": []}, {"scratch": 5}, "Evaluate the model again"),
        ({}, {"background": 5, "rust": 5}, "no label “rust”"),
        ({"confusion": [[10, 0], [5, 0]]}, {"background": 5, "scratch": 5}, "too little scratch"),
    ],
)
def test_what_cannot_be_corrected_says_why(changes: dict[str, Any], pixels: dict[str, int], words: str) -> None:
    assert words in str(corrected_areas(scores(**changes), 40, pixels))


def test_an_empty_scope_has_no_panels(plant: Plant) -> None:
    assert executed(area_page, plant.scope()).panels == ()
