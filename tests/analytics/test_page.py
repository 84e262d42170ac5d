"""What the page shows of a dashboard: tiles, sentences, figures, and that every number opens its images."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any
from urllib.parse import parse_qs

import plotly.graph_objects as go
import pytest

from analytics import Page, Scope, build_dashboard, build_page, image_count, read_scope
from analytics.page import Tile
from tests.inspections import NOON, Plant, executed


def page_of(scope: Scope) -> Page:
    return build_page(executed(build_dashboard, scope))


def opened(plant: Plant, query: str) -> int:
    """How many images a query string of the image grid opens."""
    given = {name: values[0] for name, values in parse_qs(query, strict_parsing=bool(query)).items()}
    verdict = given.pop("verdict", None)
    scope = executed(read_scope, given, project_id=plant.project.pk, time_zone="UTC")
    assert scope.parameters() == given
    return executed(image_count, scope, verdict=verdict)


def tiles_of(page: Page) -> dict[str, Tile]:
    return {tile.key: tile for tile in page.tiles}


SCOPES: list[dict[str, Any]] = [
    {"bucket": "day"},
    {"bucket": "hour"},
    {"bucket": "week", "start": date(2026, 5, 12), "end": date(2026, 5, 13)},
    {"label": "scratch", "bucket": "day"},
    {"label": "dust", "bucket": "day"},
    {"batch": True, "bucket": "day"},
]


@pytest.fixture(params=SCOPES, ids=str)
def scope(request: pytest.FixtureRequest, week: Plant) -> Scope:
    limits = dict(request.param)
    if "label" in limits:
        limits["label_id"] = week.labels[limits.pop("label")].pk
    if limits.pop("batch", None):
        limits["batch_id"] = week.batch.pk
    return week.scope(**limits)


def test_every_rate_opens_the_images_it_counts(week: Plant, scope: Scope) -> None:
    panels = {panel.key: panel for panel in page_of(scope).panels}
    for key in ("trend", "sources"):
        assert panels[key].rows
        for row in panels[key].rows:
            inspected, defective = int(row.cells[1]), int(row.cells[2])
            assert opened(week, row.query) == (defective or inspected)
    for row in panels["pareto-images"].rows:
        if row.cells[1] != "0":
            assert opened(week, row.query) == int(row.cells[1])


def test_bars_of_the_trend_open_all_their_images(week: Plant, scope: Scope) -> None:
    trend = next(panel for panel in page_of(scope).panels if panel.key == "trend")
    assert trend.figure is not None
    bars = next(trace for trace in trend.figure["data"] if trace["type"] == "bar")
    assert [opened(week, query) for query in bars["customdata"]] == list(bars["y"])


def test_tiles_open_the_images_they_count(week: Plant, scope: Scope) -> None:
    tiles = tiles_of(page_of(scope))
    dashboard = executed(build_dashboard, scope)
    assert tiles["inspected"].query is not None
    assert opened(week, tiles["inspected"].query) == dashboard.summary.inspected_count
    assert tiles["rate"].query is not None
    assert opened(week, tiles["rate"].query) == dashboard.summary.defective_count


def test_figures_are_valid_json_with_a_table_each(scope: Scope) -> None:
    for panel in page_of(scope).panels:
        assert panel.rows or panel.key in ("moved", "movement")
        assert all(len(row.cells) == len(panel.columns) for row in panel.rows)
        if panel.figure is not None:
            text = json.dumps(panel.figure)
            go.Figure(json.loads(text))
            assert len(text) < 20_000
            for trace in panel.figure["data"]:
                if "customdata" in trace:
                    assert len(trace["customdata"]) == len(trace["y"])


def test_tiles_say_rate_interval_and_n(week: Plant) -> None:
    tiles = tiles_of(page_of(week.scope()))
    assert (tiles["inspected"].number, tiles["inspected"].notes) == ("10", ("Captured 12–19 May 2026",))
    assert tiles["rate"].number == "40.0%"
    assert tiles["rate"].notes == (
        "95% interval 16.8% to 68.7%",
        "4 of 10 images",
        "Fewer than 30 images: too few to say",
    )
    assert "Choose a period" in tiles["rate"].verdict
    assert list(tiles) == ["inspected", "rate", "first-pass", "waiting", "escapes"]
    assert (tiles["first-pass"].number, tiles["waiting"].number) == ("60.0%", "4")
    assert (tiles["escapes"].number, tiles["escapes"].page) == ("–", "audit")


@pytest.mark.parametrize(
    ("now", "before", "says", "tone"),
    [
        (20, 4, "+40.0 points against the period before (+20.3 to +56.0 points)", "bad"),
        (4, 20, "−40.0 points against the period before (−56.0 to −20.3 points)", "good"),
        (5, 4, "No clear change against the period before", ""),
    ],
)
def test_the_change_is_one_plain_sentence(plant: Plant, now: int, before: int, says: str, tone: str) -> None:
    for place in range(40):
        plant.image({"pit": [30]} if place < now else {}, captured_at=NOON)
        plant.image({"pit": [30]} if place < before else {}, captured_at=NOON - timedelta(days=1))
    page = page_of(plant.count_up().scope(start=NOON.date(), end=NOON.date()))
    tile = tiles_of(page)["rate"]
    assert tile.tone == tone
    assert says in tile.verdict
    panels = {panel.key: panel for panel in page.panels}
    assert "the period before (11 May 2026)" in panels["movement"].sentence
    assert panels["moved"].rows[0].cells[0] == "pit"


def test_nothing_inspected_shows_nothing(plant: Plant) -> None:
    page = page_of(plant.scope())
    assert (page.tiles, page.panels) == ((), ())


def test_pareto_goes_from_the_largest_and_names_what_matters(week: Plant) -> None:
    panels = {panel.key: panel for panel in page_of(week.scope()).panels}
    by_images, by_area = panels["pareto-images"], panels["pareto-area"]
    assert [row.cells[0] for row in by_images.rows] == ["scratch", "pit"]
    assert [row.cells[-1] for row in by_images.rows] == ["60.0%", "100%"]
    assert by_images.sentence.startswith("Scratch leads with 60.0% of all findings")
    assert by_area.rows[0].cells == ("scratch", "204", "0.41%", "5", "74.5%")
    assert "background" in panels["area"].sentence


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (["scratch", "pit"], "Scratch and pit are level, each with 50.0% of all findings"),
        (["scratch", "pit", "dust"], "Scratch and pit lead, each with 40.0% of all findings"),
    ],
)
def test_labels_that_share_the_first_place_lead_together(plant: Plant, found: list[str], says: str) -> None:
    plant.project.labels.filter(name="dust").update(is_defect=True)
    for name in [*found, "scratch", "pit"]:
        plant.image({name: [50]})
    panels = {panel.key: panel for panel in page_of(plant.count_up().scope()).panels}
    assert panels["pareto-images"].sentence.startswith(says)


def test_both_axes_of_a_pareto_are_named(week: Plant) -> None:
    names = {}
    for panel in page_of(week.scope()).paretos:
        assert panel.figure is not None
        names[panel.key] = [panel.figure["layout"][axis]["title"]["text"] for axis in ("yaxis", "yaxis2")]
    assert names["pareto-images"] == ["Images", "Running share"]
    assert names["pareto-area"] == ["Share of area", "Running share"]


def test_a_rate_has_one_name_in_a_table(week: Plant) -> None:
    for panel in page_of(week.scope()).panels:
        assert "Share" not in panel.columns
    by_label = page_of(week.scope(label_id=week.labels["pit"].pk)).panels
    assert {"Share of images"} == {panel.columns[3] for panel in by_label if panel.key in ("trend", "sources")}


def test_a_project_without_defect_labels_is_told_what_to_do(week: Plant) -> None:
    week.project.labels.update(is_defect=False)
    panel = next(panel for panel in page_of(week.scope()).panels if panel.key == "pareto-images")
    assert panel.figure is None
    assert "settings" in panel.sentence


def test_sources_are_led_by_the_surest_high_rate(plant: Plant) -> None:
    plant.image({"pit": [30]}, source=plant.line_1)
    for place in range(40):
        plant.image({"pit": [30]} if place < 30 else {}, source=plant.line_2)
    sources = next(panel for panel in page_of(plant.count_up().scope()).panels if panel.key == "sources")
    assert [row.cells[0] for row in sources.rows] == ["Line 2", "North / Line 1"]


def test_upload_times_are_told_beside_the_trend(week: Plant) -> None:
    trend = page_of(week.scope()).panels[0]
    assert "1 image does not say when it was captured" in trend.sentence


def test_names_are_never_markup_in_a_figure(plant: Plant) -> None:
    label = plant.labels["scratch"]
    label.name = "<a href='javascript:alert(1)'>x</a>"
    label.save()
    plant.line_1.name = "<b>bold</b>"
    plant.line_1.save()
    plant.image({"scratch": [50]}, source=plant.line_1)
    for panel in page_of(plant.count_up().scope()).panels:
        assert "<a" not in json.dumps(panel.figure)
        assert "<b>" not in json.dumps(panel.figure)


def test_long_lists_are_drawn_in_part_and_tabled_whole(plant: Plant) -> None:
    for number in range(25):
        source = plant.project.sources.create(name=f"Line {number:02}")
        plant.image({"pit": [30]} if number % 2 else {}, source=source)
    sources = next(panel for panel in page_of(plant.count_up().scope()).panels if panel.key == "sources")
    assert sources.figure is not None
    assert len(sources.figure["data"][0]["y"]) == 20
    assert len(sources.rows) == 25
    assert sources.sentence.startswith("The 20 highest of 25")


def test_many_points_get_a_band(plant: Plant) -> None:
    for number in range(40):
        plant.image({"pit": [30]} if number % 3 == 0 else {}, captured_at=NOON + timedelta(days=number))
    plant.count_up()
    label_id = plant.labels["pit"].pk
    for limits in ({}, {"label_id": label_id}):
        trend = page_of(plant.scope(bucket="day", **limits)).panels[0]
        assert trend.figure is not None
        assert [trace.get("fill") for trace in trend.figure["data"]] == [None, "tonexty", None, None]
