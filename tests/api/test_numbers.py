"""The dashboard and the CSV files: the page's own numbers."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from analytics import GRAINS, build_dashboard, dashboard_json
from tests.api.conftest import ApiClient
from tests.inspections import NOON, Plant, executed


def rows(answer: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))


@pytest.mark.parametrize(
    ("query", "limits"),
    [
        ("", {}),
        ("?from=2026-05-12&to=2026-05-12", {"start": NOON.date(), "end": NOON.date()}),
        ("?label=pit&by=hour", {"label_id": "pit", "bucket": "hour"}),
        ("?source=North / Line 1&from=&to=&model=", {"source_id": "line_1"}),
    ],
)
def test_the_dashboard_is_the_librarys(api: ApiClient, plant: Plant, query: str, limits: dict[str, Any]) -> None:
    ids = {"pit": plant.labels["pit"].pk, "line_1": plant.line_1.pk}
    scope = plant.scope(**{name: ids.get(value, value) for name, value in limits.items()})
    expected = dashboard_json(executed(build_dashboard, scope))
    shown = api.get(f"projects/plant/dashboard{query.replace(' ', '%20')}").json()
    assert shown == json.loads(json.dumps(expected))


def test_known_numbers(api: ApiClient, plant: Plant) -> None:
    shown = api.get("projects/plant/dashboard").json()
    assert (shown["inspected"], shown["defective"], shown["n"]) == (3, 1, 3)
    assert shown["defect_rate"] == pytest.approx(1 / 3)
    low, high = shown["defect_rate_interval"]
    assert 0 < low < 1 / 3 < high < 1


@pytest.mark.parametrize("grain", GRAINS)
def test_csv_at_every_grain(api: ApiClient, plant: Plant, grain: str) -> None:
    answer = api.get(f"projects/plant/reports/{grain}.csv")
    assert answer.status_code == 200
    assert answer.streaming
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"] == f'attachment; filename="plant-{grain}.csv"'
    assert len(rows(answer)) == {"images": 3, "labels": 12, "regions": 6, "daily": 3}[grain]


def test_csv_and_dashboard_of_one_scope_agree(api: ApiClient, plant: Plant) -> None:
    query = f"?source={plant.line_1.pk}"
    shown = api.get(f"projects/plant/dashboard{query}").json()
    listed = rows(api.get(f"projects/plant/reports/images.csv{query}"))
    assert len(listed) == shown["inspected"] == 1
    assert sum(row["verdict"] == "fail" for row in listed) == shown["defective"] == 1


@pytest.mark.parametrize("path", ["dashboard", "reports/images.csv"])
@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("from=tomorrow", ["from"]),
        ("from=2026-05-12&to=2026-05-11", ["to"]),
        ("source=9999999999999999999999&label=%00", ["source", "label"]),
        ("model=-1&batch=0", ["model", "batch"]),
        ("hour=2026-05-12&by=year", ["hour", "by"]),
        ("batch=%D9%A3", ["batch"]),
    ],
)
def test_wrong_scopes_name_every_wrong_parameter(
    api: ApiClient, plant: Plant, path: str, query: str, fields: list[str]
) -> None:
    answer = api.get(f"projects/plant/{path}?{query}")
    assert answer.status_code == 422
    assert sorted(answer.json()["error"]["fields"]) == sorted(fields)


def test_an_unknown_grain_is_no_address(api: ApiClient, plant: Plant) -> None:
    assert api.get("projects/plant/reports/pixels.csv").status_code == 404
