"""The dashboard page: its numbers, filters, empty states, and that it is its project's alone."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.html import escape

from tests.inspections import NOON, Plant, build_plant
from tests.views.visit import Visit, start_visit
from webapp.models import Batch, Image, Prediction


@pytest.fixture
def visit(db: None, settings: Any, tmp_path: Path) -> Visit:
    return start_visit(settings, tmp_path)


@pytest.fixture
def plant(visit: Visit) -> Plant:
    """Four images, two of them defective."""
    plant = visit.plant
    plant.image({"scratch": [60]}, source=plant.line_1)
    plant.image({"pit": [40]}, source=plant.line_2, captured_at=NOON + timedelta(days=1))
    plant.image({"dust": [100]}, captured_at=NOON + timedelta(days=1))
    plant.image(captured_at=NOON + timedelta(days=2))
    return plant.count_up()


def tile(page: str, key: str) -> str:
    found = re.search(rf'tile-{key}\b.*?<div class="tile-number">([^<]*)<', page, re.DOTALL)
    assert found, f"no tile {key}"
    return found[1]


def figure(page: str, key: str) -> dict[str, Any]:
    found = re.search(rf'<script id="figure-{key}" type="application/json">(.*?)</script>', page, re.DOTALL)
    assert found, f"no figure {key}"
    return json.loads(found[1])


def test_the_page_shows_the_scopes_numbers(visit: Visit, plant: Plant) -> None:
    page = visit.page("dashboard")
    assert (tile(page, "inspected"), tile(page, "rate")) == ("4", "50.0%")
    assert "95% interval 15.0% to 85.0%" in page
    assert "2 of 4 images" in page
    assert figure(page, "pareto-images")["data"][0]["y"] == [1, 1]


def test_filters_are_in_the_address_and_in_the_form(visit: Visit, plant: Plant) -> None:
    query = f"?from=2026-05-12&to=2026-05-13&source={plant.line_2.pk}&by=day"
    page = visit.page("dashboard", query=query)
    assert (tile(page, "inspected"), tile(page, "rate")) == ("1", "100%")
    assert 'value="2026-05-12"' in page
    assert f'<option value="{plant.line_2.pk}" selected>Line 2</option>' in page
    assert '<option value="day" selected>Day</option>' in page
    assert "Clear filters" in page


def test_every_number_and_download_leads_somewhere(visit: Visit, plant: Plant) -> None:
    page = visit.page("dashboard", query=f"?from=2026-05-01&to=2026-05-31&label={plant.labels['dust'].pk}")
    found = re.findall(r'href="(/p/plant/(?:images|reports)/[^"]*|\?[^"]*)"', page)
    addresses = {address.replace("&amp;", "&") for address in found}
    assert len(addresses) > 12
    for address in addresses:
        if address.startswith("?"):
            address = visit.address("dashboard") + address
        assert visit.client.get(address).status_code == 200, address


def test_a_figures_points_lead_to_their_images(visit: Visit, plant: Plant) -> None:
    page = visit.page("dashboard", query="?by=day")
    queries = figure(page, "trend")["data"][0]["customdata"]
    assert queries[0] == "from=2026-05-12&to=2026-05-12&verdict=fail"
    grid = visit.page("images", query=f"?{queries[0]}")
    assert grid.count('class="shot"') == 1


def test_figures_cannot_leave_their_script_element(visit: Visit) -> None:
    label = visit.plant.labels["pit"]
    label.name = "</script><script>alert(1)</script>"
    label.save()
    visit.plant.image({"pit": [40]})
    visit.plant.count_up()
    page = visit.page("dashboard")
    assert "<script>alert" not in page
    assert escape(label.name) in page


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("?from=yesterday", "Expected a day like 2026-05-12"),
        ("?from=2026-05-02&to=2026-05-01", "must not be before the first"),
        ("?label=99999", "This project has no label"),
        ("?batch=%00", "This project has no batch"),
        ("?by=minute", "Expected hour, day, week or auto"),
    ],
)
def test_filters_that_make_no_sense_are_explained(visit: Visit, plant: Plant, query: str, says: str) -> None:
    response = visit.client.get(visit.address("dashboard") + query)
    assert response.status_code == 400
    page = response.content.decode()
    assert says in page
    assert "cannot be used" in page
    assert 'class="tile' not in page


def test_ids_of_other_projects_are_unknown(visit: Visit, plant: Plant) -> None:
    other = build_plant(slug="neighbour")
    other.image({"pit": [40]}, source=other.line_1)
    other.count_up()
    for query in (
        f"source={other.line_1.pk}",
        f"label={other.labels['pit'].pk}",
        f"model={other.model_version.pk}",
        f"batch={other.batch.pk}",
    ):
        for name, arguments in (("dashboard", ()), ("report", ("images",))):
            response = visit.client.get(visit.address(name, *arguments) + f"?{query}", follow=True)
            assert response.status_code == 400
            assert "This project has no" in response.content.decode()
            assert "neighbour" not in response.content.decode()


def test_nobody_else_sees_it(visit: Visit, plant: Plant) -> None:
    for name, arguments in (("dashboard", ()), ("report", ("images",))):
        address = visit.address(name, *arguments)
        assert visit.outsider.get(address).status_code == 404
        assert visit.stranger.get(address).status_code in (302, 404)


def test_without_images_it_says_how_to_start(visit: Visit) -> None:
    page = visit.page("dashboard")
    assert "No images yet" in page
    assert visit.address("batch-new") in page
    assert "data-filters" not in page


def test_without_a_model_it_says_where_to_get_one(visit: Visit, plant: Plant) -> None:
    Prediction.objects.all().delete()
    plant.count_up()
    assert "No results yet" in visit.page("dashboard")
    plant.project.live_model = None
    plant.project.save()
    page = visit.page("dashboard")
    assert "wait for a model" in page
    assert visit.address("models") in page


def test_where_nothing_matches_the_filters_can_be_cleared(visit: Visit, plant: Plant) -> None:
    page = visit.page("dashboard", query="?from=1999-01-01&to=1999-01-02")
    assert "Nothing matches these filters" in page
    assert "data-filters" in page


def test_images_in_work_are_told(visit: Visit, plant: Plant) -> None:
    run = plant.runs[(plant.batch.pk, plant.model_version.pk)]
    run.state, run.finished_at = "running", None
    run.save()
    image = Image.objects.latest("pk")
    Prediction.objects.create(run=run, image=image, model_version=plant.new_model_version(), state="queued")
    page = visit.page("dashboard")
    assert "1 more image of this project is being segmented" in page
    assert "data-in-progress" in page


def test_quick_ranges_keep_the_other_filters(visit: Visit, plant: Plant) -> None:
    label = plant.labels["pit"].pk
    page = visit.page("dashboard", query=f"?label={label}")
    assert re.search(rf'href="\?from=[\d-]+&amp;to=[\d-]+&amp;label={label}"[^>]*>Last 30 days', page)


def test_downloads_are_of_the_same_scope(visit: Visit, plant: Plant) -> None:
    page = visit.page("dashboard", query=f"?label={plant.labels['pit'].pk}&by=week")
    for grain in ("images", "labels", "regions", "daily"):
        assert f'{visit.address("report", grain)}?label={plant.labels["pit"].pk}"' in page


def test_an_older_batch_is_offered_when_it_is_asked_for(visit: Visit, plant: Plant) -> None:
    Batch.objects.bulk_create(Batch(project=plant.project, name=f"Batch {number}") for number in range(110))
    assert ">First</option>" not in visit.page("dashboard")
    page = visit.page("dashboard", query=f"?batch={plant.batch.pk}")
    assert f'<option value="{plant.batch.pk}" selected>First</option>' in page


def test_the_page_costs_the_same_queries_for_many_images(visit: Visit, plant: Plant) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            visit.page("dashboard")
        return len(captured)

    few = queries()
    for number in range(60):
        plant.image({"pit": [40]}, captured_at=NOON + timedelta(days=number))
    plant.count_up()
    assert queries() == few <= 24
