"""The overview: what it is compared with, why it moved, what stands out, what people changed."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from analytics import Dashboard, Page, build_dashboard, build_page, dashboard_json, read_scope
from analytics.scope import Versus
from tests.inspections import NOON, Plant, executed
from webapp.models import Image, ProjectEvent

DAYS, PER_DAY = 14, 12


def shown(plant: Plant, **limits: object) -> tuple[Dashboard, Page]:
    dashboard = executed(build_dashboard, plant.scope(**limits))
    return dashboard, build_page(dashboard)


@pytest.fixture
def shifted(plant: Plant) -> Plant:
    """Two weeks: in the second, line 2 fails half of its images instead of a sixth."""
    for day in range(DAYS):
        for place in range(PER_DAY):
            source = plant.line_1 if place % 2 else plant.line_2
            is_worse = day >= DAYS // 2 and source is plant.line_2
            fails = place in ((0, 1, 2, 4, 6) if is_worse else (0, 1))
            when = NOON + timedelta(days=day)
            plant.image({"pit": [40]} if fails else {}, captured_at=when, source=source)
    return plant.count_up()


SECOND_WEEK = {"start": date(2026, 5, 19), "end": date(2026, 5, 25)}


def test_the_source_that_changed_is_named_first(shifted: Plant) -> None:
    dashboard, page = shown(shifted, **SECOND_WEEK)
    assert dashboard.moves is not None
    top = dashboard.moves.where.drivers[0]
    assert (top.dimension, top.value, top.is_clear) == ("source", "Line 2", True)
    panel = next(panel for panel in page.panels if panel.key == "movement")
    assert panel.rows[0].cells[0] == "Source Line 2"
    assert any("Source Line 2 fails more often" in note.text for note in panel.notes)
    moved = next(panel for panel in page.panels if panel.key == "moved")
    assert [row.cells[0] for row in moved.rows] == ["pit", "scratch"] or moved.rows[0].cells[0] == "pit"


def test_a_control_chart_where_the_points_can_carry_one(shifted: Plant) -> None:
    _, page = shown(shifted, bucket="day")
    assert page.trend is not None
    assert "p chart: average" in page.trend.sentence
    _, page = shown(shifted, bucket="week")
    assert page.trend is not None
    assert "3 points are too few" in page.trend.sentence


def test_points_beyond_their_limits_are_told_and_open_their_images(plant: Plant) -> None:
    for day in range(15):
        for place in range(8):
            fails = place < (8 if day == 7 else 3)
            plant.image({"pit": [40]} if fails else {}, captured_at=NOON + timedelta(days=day))
    _, page = shown(plant.count_up(), bucket="day")
    panel = page.trend
    assert panel is not None
    assert "p chart" in panel.sentence
    assert [note.text for note in panel.notes] == ["19 May is above the upper limit: find out what was special then."]
    assert panel.notes[0].query == "from=2026-05-19&to=2026-05-19&verdict=fail"
    assert panel.rows[7].cells[-1] == "a point beyond the limits (3 standard deviations)"


def test_another_source_is_compared_in_one_sentence(shifted: Plant) -> None:
    versus = Versus(source_id=shifted.line_2.pk)
    dashboard, page = shown(shifted, source_id=shifted.line_1.pk, versus=versus, **SECOND_WEEK)
    change = dashboard.change
    assert change is not None
    assert (change.before.count, change.before.n) == (28, 42)
    panel = next(panel for panel in page.panels if panel.key == "movement")
    assert "points fewer than the other source" in panel.notes[0].text


def test_a_slice_is_not_compared_with_itself(shifted: Plant) -> None:
    dashboard, page = shown(
        shifted, source_id=shifted.line_1.pk, versus=Versus(source_id=shifted.line_1.pk), **SECOND_WEEK
    )
    assert dashboard.change is None
    assert "compares a slice with itself" in next(panel for panel in page.panels if panel.key == "movement").sentence


def test_overlapping_slices_are_a_rough_guide(shifted: Plant) -> None:
    _, page = shown(shifted, versus=Versus(start=date(2026, 5, 12), end=date(2026, 5, 25)), **SECOND_WEEK)
    notes = next(panel for panel in page.panels if panel.key == "movement").notes
    assert any("both sides" in note.text for note in notes)


def test_comparisons_stay_in_the_address(plant: Plant) -> None:
    query = {"from": "2026-05-19", "vs_from": "2026-05-12", "vs_to": "2026-05-18", "vs_source": "Line 2"}
    scope = executed(read_scope, query, project_id=plant.project.pk, time_zone="UTC")
    assert scope.query() == f"from=2026-05-19&vs_from=2026-05-12&vs_to=2026-05-18&vs_source={plant.line_2.pk}"
    assert "vs_" not in scope.images_query(defective=True)
    compared = scope.compared()
    assert compared is not None
    assert (compared.start, compared.source_id, compared.versus) == (date(2026, 5, 12), plant.line_2.pk, None)


def test_what_people_changed_stands_beside_the_models_rate(plant: Plant) -> None:
    images = [plant.image({"pit": [40]} if place < 3 else {}) for place in range(10)]
    Image.objects.filter(pk=images[0].pk).update(reviewed_verdict="pass")
    Image.objects.filter(pk=images[9].pk).update(reviewed_verdict="fail")
    Image.objects.filter(pk=images[8].pk).update(reviewed_verdict="fail")
    dashboard, page = shown(plant.count_up())
    tiles = {tile.key: tile for tile in page.tiles}
    assert tiles["rate"].number == "40.0%"
    assert "The model alone: 30.0%; people changed verdicts" in tiles["rate"].notes
    assert (tiles["first-pass"].number, tiles["waiting"].number) == ("50.0%", "2")
    numbers = dashboard_json(dashboard)
    assert (numbers["model_defective"], numbers["first_pass"], numbers["waiting_count"]) == (3, 5, 2)


def test_changes_of_the_rule_are_marked(plant: Plant) -> None:
    for day in range(4):
        plant.image(captured_at=NOON + timedelta(days=day))
    event = ProjectEvent.objects.create(project=plant.project, kind="rule", sentence="Smallest region: 10 to 20 px")
    ProjectEvent.objects.filter(pk=event.pk).update(at=NOON + timedelta(days=2))
    _, page = shown(plant.count_up())
    assert page.trend is not None
    assert any(row.cells[0].startswith("Smallest region: 10 to 20 px") for row in page.trend.rows)


def test_costs_make_a_pareto_of_their_own(plant: Plant) -> None:
    plant.image({"pit": [40]})
    plant.image({"scratch": [40]})
    plant.image({"scratch": [40]})
    keys = [panel.key for panel in shown(plant.count_up())[1].paretos]
    assert keys == ["pareto-images", "pareto-regions", "pareto-area"]
    plant.project.labels.filter(name="pit").update(cost="12.50")
    plant.project.labels.filter(name="scratch").update(cost=2)
    panel = shown(plant)[1].paretos[-1]
    assert (panel.key, panel.title) == ("pareto-cost", "Defects by cost, in EUR")
    assert [row.cells[:4] for row in panel.rows] == [
        ("pit", "12.50", "1", "12.50"),
        ("scratch", "4.00", "2", "2.00"),
    ]


def test_one_image_and_many_labels_make_a_page(plant: Plant) -> None:
    for number in range(50):
        plant.project.labels.create(index=number + 10, name=f"kind {number}", color="#aa0000", is_defect=True)
    plant.image({"pit": [40]})
    dashboard, page = shown(plant.count_up())
    assert len(page.tiles) == 5
    assert len(dashboard.labels) == 54
