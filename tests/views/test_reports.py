"""CSV downloads from the dashboard."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from django.http import StreamingHttpResponse

from analytics import GRAINS
from tests.views.visit import Visit, start_visit


@pytest.fixture
def visit(db: None, settings: Any, tmp_path: Path) -> Visit:
    visit = start_visit(settings, tmp_path)
    visit.plant.image({"scratch": [60]}, source=visit.plant.line_1, name="ü.png")
    visit.plant.image({"pit": [19]})
    visit.plant.count_up()
    return visit


def download(visit: Visit, grain: str, query: str = "") -> StreamingHttpResponse:
    response = visit.client.get(visit.address("report", grain) + query)
    assert isinstance(response, StreamingHttpResponse)
    assert response.status_code == 200
    return response


@pytest.mark.parametrize(("grain", "count"), [("images", 2), ("labels", 8), ("regions", 4), ("daily", 2)])
def test_each_grain_downloads_as_a_file(visit: Visit, grain: str, count: int) -> None:
    response = download(visit, grain)
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"] == f'attachment; filename="plant-{grain}.csv"'
    text = response.getvalue().decode("utf-8-sig")
    assert len(list(csv.DictReader(io.StringIO(text)))) == count


def test_excel_is_told_the_encoding(visit: Visit) -> None:
    content = download(visit, "images").getvalue()
    assert content.startswith(b"\xef\xbb\xbfimage_id,")
    assert "ü.png" in content.decode()


def test_the_name_says_the_days(visit: Visit) -> None:
    response = download(visit, "daily", "?from=2026-05-01&to=2026-05-31")
    assert 'filename="plant-daily-2026-05-01-to-2026-05-31.csv"' in response["Content-Disposition"]


def test_a_scope_that_makes_no_sense_leads_to_its_explanation(visit: Visit) -> None:
    response = visit.client.get(visit.address("report", "images") + "?from=never")
    assert response.status_code == 302
    page = visit.client.get(response["Location"])
    assert page.status_code == 400
    assert "Expected a day like" in page.content.decode()


def test_there_is_no_other_grain(visit: Visit) -> None:
    assert visit.client.get(visit.address("report", "pixels")).status_code == 404
    assert set(GRAINS) == {"images", "labels", "regions", "daily"}
