"""What changed numbers' meaning is kept, from what to what, and only when something changed."""

from __future__ import annotations

import pytest

from tests.inspections import Plant, build_plant
from webapp.actions.events import record
from webapp.actions.labels import change_labels, label_input
from webapp.actions.project_templates import LabelInput
from webapp.actions.sources import SourceInput, change_sources
from webapp.actions.verdicts import change_rule
from webapp.models import ProjectEvent, User, Workspace


@pytest.fixture
def plant(acme: Workspace) -> Plant:
    return build_plant(acme)


def told(plant: Plant) -> list[tuple[str, str]]:
    return list(plant.project.events.order_by("pk").values_list("kind", "sentence"))


def test_a_rule(plant: Plant, alice: User) -> None:
    for limit in (200, 200, None):
        change_rule(project=plant.project, user=alice, min_region_px=limit)
    assert told(plant) == [
        ("rule", "Smallest region that fails an image: from each model's own limits to 200 px"),
        ("rule", "Smallest region that fails an image: from 200 px to each model's own limits"),
    ]
    assert {event.user for event in ProjectEvent.objects.all()} == {alice}


def test_a_calibration(plant: Plant, alice: User) -> None:
    line = plant.line_1
    for size in (0.5, 0.5, 0.25):
        change = SourceInput(name=line.name, site=line.site, kind=line.kind, mm_per_pixel=size)
        change_sources(project=plant.project, user=alice, changes={line.pk: change})
    assert told(plant) == [
        ("calibration", "Line 1: from not calibrated to 0.5 mm per pixel"),
        ("calibration", "Line 1: from 0.5 mm per pixel to 0.25 mm per pixel"),
    ]
    assert {event.source for event in ProjectEvent.objects.all()} == {line}


def test_a_label(plant: Plant, alice: User) -> None:
    pit, dust = plant.labels["pit"], plant.labels["dust"]
    changes = {
        pit.pk: LabelInput("hole", pit.color, False, pit.severity),
        dust.pk: LabelInput("fluff", dust.color, False, dust.severity),
    }
    change_labels(project=plant.project, user=alice, changes=changes)
    assert told(plant) == [("labels", "hole: from a defect to no defect")]
    pit.refresh_from_db()
    change_labels(project=plant.project, user=alice, changes={pit.pk: label_input(pit)})
    assert len(told(plant)) == 1


def test_long_sentences_are_cut_and_unknown_kinds_refused(plant: Plant, alice: User) -> None:
    event = record(project=plant.project, kind="rule", sentence="x" * 400, user=alice)
    assert len(event.sentence) == 300
    with pytest.raises(ValueError, match="expected one of"):
        record(project=plant.project, kind="weather", sentence="Rain", user=alice)
