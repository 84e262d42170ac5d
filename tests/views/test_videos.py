"""Videos as a browser asks for them: how often a frame, whether people are blurred; zones drawn over a picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.images import picture, png
from tests.views.visit import Visit, start_visit
from webapp import storage
from webapp.models import Batch, Label, Project, Zone

pytestmark = pytest.mark.django_db


@pytest.fixture
def visit(db: None, settings: Any, tmp_path: Path) -> Visit:
    return start_visit(settings, tmp_path)


def opened(visit: Visit, **body: Any) -> Any:
    address = visit.address("batch-open")
    return visit.client.post(address, json.dumps(body), content_type="application/json")


def people_marked(visit: Visit) -> None:
    label = visit.plant.labels["dust"]
    Label.objects.filter(pk=label.pk).update(is_person=True)
    visit.plant.model_version.model_labels.create(label=label, index=3)


def text(answer: Any) -> str:
    return str(answer.content.decode())


def test_a_batch_keeps_how_often_a_frame_is_taken(visit: Visit) -> None:
    assert opened(visit, frame_seconds="2.5").status_code == 201
    assert opened(visit, frame_seconds="").status_code == 201
    assert list(Batch.objects.order_by("-pk").values_list("frame_seconds", "blur")[:2]) == [
        (1.0, "none"),
        (2.5, "none"),
    ]


@pytest.mark.parametrize("seconds", ["0", "-1", "3601", "often"])
def test_odd_intervals_are_refused_at_their_field(visit: Visit, seconds: str) -> None:
    answer = opened(visit, frame_seconds=seconds)
    assert answer.status_code == 422
    assert list(answer.json()["error"]["fields"]) == ["frame_seconds"]


def test_blurring_needs_somebody_who_finds_people(visit: Visit) -> None:
    answer = opened(visit, blur_people=True)
    assert answer.status_code == 422
    assert "no label of the live model is marked as people" in str(answer.json()["error"]["fields"]["blur_people"])
    people_marked(visit)
    assert opened(visit, blur_people=True).status_code == 201
    assert Batch.objects.latest("pk").blur == "model"


def test_who_says_nothing_gets_what_the_project_has(visit: Visit) -> None:
    people_marked(visit)
    address = visit.address("project-privacy")
    assert visit.client.post(address, {"blur_people": "on"}).status_code == 302
    opened(visit)
    opened(visit, blur_people=False)
    assert list(Batch.objects.order_by("-pk").values_list("blur", flat=True)[:2]) == ["none", "model"]


def test_settings_do_not_promise_what_nobody_can_do(visit: Visit) -> None:
    page = text(visit.client.post(visit.address("project-privacy"), {"blur_people": "on"}))
    assert "People cannot be blurred yet" in page
    assert not Project.objects.get(pk=visit.plant.project.pk).blur_people


def test_a_zone_is_drawn_named_and_removed(visit: Visit) -> None:
    source = visit.plant.line_1
    image = visit.plant.image({"dust": [30]}, source=source)
    storage.write(storage.original_path(image.sha256), png(picture()))
    fields = {"name": "Door", "corners": "[[0, 0], [0.5, 0], [0.5, 1]]"}
    assert visit.client.post(visit.address("zone-new", source.pk), fields).status_code == 302
    zone = Zone.objects.get()
    assert zone.shape == ((0, 0), (0.5, 0), (0.5, 1))
    page = text(visit.client.get(visit.address("zones", source.pk)))
    assert f"/files/images/{image.pk}/view" in page
    assert 'points="0.0,0.0 500.0,0.0 500.0,500.0"' in page, "the picture is twice as wide as it is high"
    visit.client.post(visit.address("zone-rename", source.pk, zone.pk), {"name": "Back door"})
    assert Zone.objects.get().name == "Back door"
    visit.client.post(visit.address("zone-remove", source.pk, zone.pk))
    assert not Zone.objects.exists()


def test_a_zone_may_be_four_numbers(visit: Visit) -> None:
    fields = {"name": "Shelf", "left": "10", "top": "20", "width": "30", "height": "40.5"}
    assert visit.client.post(visit.address("zone-new", visit.plant.line_1.pk), fields).status_code == 302
    assert Zone.objects.get().shape == ((0.1, 0.2), (0.4, 0.2), (0.4, 0.605), (0.1, 0.605))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": "Door"}, "Click the zone&#x27;s corners in the image"),
        ({"name": "Door", "left": "10", "top": "20"}, "give all four numbers"),
        ({"name": "Door", "left": "80", "top": "0", "width": "30", "height": "10"}, "within the image"),
        ({"name": "Door", "corners": "[[0]]"}, "draw the zone again"),
        ({"name": "Door", "corners": '{"a": 1}'}, "draw the zone again"),
        ({"name": "", "corners": "[[0, 0], [0.5, 0], [0.5, 1]]"}, "This field is required"),
    ],
)
def test_what_is_no_zone_is_told(visit: Visit, fields: dict[str, str], words: str) -> None:
    answer = visit.client.post(visit.address("zone-new", visit.plant.line_1.pk), fields)
    assert words in text(answer)
    assert not Zone.objects.exists()


def test_numbers_of_zones_open_their_images(visit: Visit) -> None:
    source = visit.plant.line_1
    image = visit.plant.image({"dust": [30]}, source=source, name="in-it.png")
    visit.plant.image({}, source=source, name="empty.png")
    visit.plant.count_up()
    zone = source.zones.create(name="Corner", shape=((0, 0), (0.5, 0), (0.5, 0.5), (0, 0.5)))
    page = text(visit.client.get(visit.address("dashboard-zones")))
    assert "dust was in Corner in 50.0% of 2 images" in page
    grid = text(visit.client.get(visit.address("images") + f"?label={visit.plant.labels['dust'].pk}&zone={zone.pk}"))
    assert "In zone: Corner" in grid
    assert "in-it.png" in grid
    assert "empty.png" not in grid
    shown = text(visit.client.get(visit.address("image", image.pk) + f"?list=images&zone={zone.pk}"))
    assert f"zone={zone.pk}" in shown


@pytest.mark.parametrize("zone", ["x", "0", "999999"])
def test_zones_that_are_not_there_are_no_filter(visit: Visit, zone: str) -> None:
    answer = visit.client.get(visit.address("images") + f"?zone={zone}")
    assert answer.status_code == 400


def test_without_zones_the_page_says_where_to_draw_them(visit: Visit) -> None:
    visit.plant.image({})
    visit.plant.count_up()
    assert "No zones yet." in text(visit.client.get(visit.address("dashboard-zones")))
