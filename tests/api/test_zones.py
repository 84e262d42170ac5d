"""Zones by the API."""

from __future__ import annotations

import pytest

from tests.api.conftest import ApiClient
from tests.inspections import Plant
from webapp.models import Zone

pytestmark = pytest.mark.django_db

DOOR = [[0.1, 0.2], [0.3, 0.2], [0.3, 0.9], [0.1, 0.9]]


def address(plant: Plant, zone: int | None = None) -> str:
    zones = f"projects/plant/sources/{plant.line_1.pk}/zones"
    return zones if zone is None else f"{zones}/{zone}"


def test_zones_are_added_listed_renamed_and_deleted(api: ApiClient, plant: Plant) -> None:
    added = api.post(address(plant), {"name": "Door", "corners": DOOR})
    assert added.status_code == 201, added.content
    zone = added.json()
    assert zone == {"id": zone["id"], "name": "Door", "corners": DOOR}
    renamed = api.patch(address(plant, zone["id"]), {"name": "Front door"})
    assert renamed.json() == {**zone, "name": "Front door"}
    assert api.get(address(plant)).json() == [renamed.json()]
    assert api.delete(address(plant, zone["id"])).status_code == 204
    assert api.get(address(plant)).json() == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "", "corners": DOOR}, "name"),
        ({"name": "door", "corners": DOOR}, "name"),
        ({"name": "Shelf", "corners": DOOR[:2]}, "corners"),
        ({"name": "Shelf", "corners": [[0, 0], [1, 1], [1, 0], [0, 1]]}, "corners"),
        ({"name": "Shelf", "corners": [[0, 0], [0.001, 0], [0, 0.001]]}, "corners"),
        ({"name": "Shelf", "corners": [[0, 0], [1.5, 0], [0, 1]]}, "corners.1.0"),
        ('{"name": "Shelf", "corners": [[0, 0], [NaN, 0], [0, 1]]}', "corners.1.0"),
        ({"name": "Shelf", "corners": "round"}, "corners"),
    ],
)
def test_what_is_no_zone_is_refused(api: ApiClient, plant: Plant, body: object, field: str) -> None:
    api.post(address(plant), {"name": "Door", "corners": DOOR})
    answer = api.post(address(plant), body)
    assert answer.status_code == 422, answer.content
    assert list(answer.json()["error"]["fields"]) == [field]
    assert Zone.objects.get().name == "Door"


def test_a_zone_belongs_to_its_source(api: ApiClient, plant: Plant) -> None:
    zone = api.post(address(plant), {"name": "Door", "corners": DOOR}).json()
    elsewhere = plant.project.sources.exclude(pk=plant.line_1.pk).first()
    assert elsewhere is not None
    assert api.delete(f"projects/plant/sources/{elsewhere.pk}/zones/{zone['id']}").status_code == 404
    assert Zone.objects.count() == 1
