"""Drift: a change is noticed, dated and named; a steady process is called steady."""

from __future__ import annotations

from datetime import timedelta

import pytest

from analytics.panels import HOLLOW, Panel
from analytics.scope import Scope, Versus
from analytics.tabs.drift import drift_page, false_alarms, read_drift
from analytics.tabs.drift_quantities import QUANTITIES
from analytics.theme import SURFACE
from tests.inspections import NOON, Plant, executed
from webapp.models import Prediction

SHIFT = 25
DAYS = 34


@pytest.fixture
def darkening(plant: Plant) -> Plant:
    """One image a day; from day 25 on darker. Values in between go up and down."""
    for day in range(DAYS):
        image = plant.image(captured_at=NOON + timedelta(days=day), confidence=0.9 + (day % 3) / 100)
        brightness = 5_000 + 40 * (day % 5) - (400 if day >= SHIFT else 0)
        Prediction.objects.filter(image=image).update(
            brightness=brightness, sharpness=3_000 + day % 4, warmth=-50 + day % 2
        )
    return plant.count_up()


def panel(scope: Scope, key: str) -> Panel:
    return next(one for one in executed(drift_page, scope).panels if one.key == f"drift-{key}")


def test_a_change_is_named_and_dated(darkening: Plant) -> None:
    sentence = panel(darkening.scope(), "brightness").sentence
    assert sentence.startswith("Pictures are darker since about 6 June 2026 (noticed on ")
    assert "about one false alarm in 1.4 years" in sentence
    assert panel(darkening.scope(), "confidence").sentence.startswith("Steady.")


def test_every_day_opens_its_images(darkening: Plant) -> None:
    shown = panel(darkening.scope(), "sharpness")
    assert len(shown.rows) == DAYS
    assert shown.rows[0].query == "from=2026-05-12&to=2026-05-12"


def test_means_are_those_of_the_rows(darkening: Plant) -> None:
    by_days = executed(read_drift, darkening.scope())
    by_rows = executed(read_drift, darkening.scope(batch_id=darkening.batch.pk))
    assert by_rows.days == by_days.days
    assert by_days.days[1].brightness.mean == 5_040


def test_a_reference_may_be_chosen(darkening: Plant) -> None:
    day = NOON.date()
    late = darkening.scope(
        start=day + timedelta(days=20),
        end=day + timedelta(days=DAYS),
        versus=Versus(start=day, end=day + timedelta(days=19)),
    )
    drift = executed(read_drift, late)
    assert drift.chosen_reference_count == 20
    assert "(12 May 2026 to 31 May 2026)" in panel(late, "brightness").sentence


def test_few_days_have_no_limits(week: Plant) -> None:
    assert "New images are measured by themselves" in panel(week.scope(), "brightness").sentence
    confidence = panel(week.scope(), "confidence")
    assert "Limits need 15 days with differing values; there are 3 so far." in confidence.sentence
    assert confidence.sentence.endswith(HOLLOW)
    assert confidence.figure is not None
    assert set(confidence.figure["data"][0]["marker"]["color"]) == {SURFACE}
    assert "Limits need 15 days to know the usual mix" in panel(week.scope(), "mix").sentence


def test_days_that_are_all_alike_have_no_limits(plant: Plant) -> None:
    for day in range(20):
        plant.image(captured_at=NOON + timedelta(days=day), confidence=0.9)
    words = panel(plant.count_up().scope(), "confidence").sentence
    assert "No limits are drawn: the reference days do not differ." in words


def test_every_panel_says_what_it_measures(darkening: Plant) -> None:
    meanings = {quantity.key: quantity.meaning for quantity in QUANTITIES}
    units = ("%", "percent", "without a unit")
    assert all(any(unit in meaning for unit in units) for meaning in meanings.values())
    for key, meaning in meanings.items():
        assert meaning in panel(darkening.scope(), key).sentence


def test_false_alarms_in_words() -> None:
    assert false_alarms(360) == "about one false alarm a year"
    assert false_alarms(92) == "about one false alarm in 92 days with pictures"
    assert false_alarms(500) == "about one false alarm in 1.4 years"
