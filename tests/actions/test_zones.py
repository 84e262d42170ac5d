"""Zones: parts of a picture, with names of their own."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction

from tests.inspections import Plant, build_plant
from webapp.actions.project_deletion import delete_project
from webapp.actions.refused import Refused
from webapp.actions.zones import add_zone, rectangle, remove_zone, rename_zone
from webapp.models import Project, User, Workspace, Zone

LEFT = rectangle(left=0, top=0, width=0.5, height=1)


@pytest.fixture
def plant(acme: Workspace) -> Plant:
    return build_plant(acme)


def test_a_zone_comes_back_as_it_was_drawn(plant: Plant) -> None:
    corners = ((0.1, 0.2), (0.9, 0.25), (0.123457, 0.75))
    zone = add_zone(source=plant.line_1, user=None, name="  Door ", corners=corners)
    assert (Zone.objects.get().name, Zone.objects.get().shape) == ("Door", corners)
    rename_zone(zone=zone, user=None, name="Back door")
    assert Zone.objects.get().name == "Back door"
    remove_zone(zone=zone, user=None)
    assert not Zone.objects.exists()


def test_names_are_unique_in_a_source_whatever_the_case(plant: Plant) -> None:
    zone = add_zone(source=plant.line_1, user=None, name="Door", corners=LEFT)
    add_zone(source=plant.line_2, user=None, name="Door", corners=LEFT)
    with pytest.raises(Refused, match="has a zone DOOR already"):
        add_zone(source=plant.line_1, user=None, name="DOOR", corners=LEFT)
    other = add_zone(source=plant.line_1, user=None, name="Shelf", corners=LEFT)
    with pytest.raises(Refused, match="already"):
        rename_zone(zone=other, user=None, name=zone.name.lower())


@pytest.mark.parametrize(
    ("corners", "reason"),
    [
        (((0, 0), (1, 1)), "3 to 100 corners, this one has 2"),
        (((0, 0), (0, 0), (1, 1)), "this one has 2"),
        (((0, 0), (1.01, 0), (1, 1)), "within the image"),
        (((0, 0), (float("nan"), 0), (1, 1)), "this one has 2"),
        (((0, 0), (1, 1), (1, 0), (0, 1)), "crosses itself"),
        (((0, 0), (0.5, 0.5), (1, 1)), "smaller than"),
        (tuple((0.5, index / 200) for index in range(101)), "this one has 101"),
    ],
)
def test_what_is_no_part_of_a_picture_is_refused(plant: Plant, corners: tuple, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        add_zone(source=plant.line_1, user=None, name="Door", corners=corners)
    assert not Zone.objects.exists()


@pytest.mark.parametrize("name", ["", "   ", "x" * 61, "a\nb"])
def test_odd_names_are_refused(plant: Plant, name: str) -> None:
    with pytest.raises(Refused, match="1 to 60 printable"):
        add_zone(source=plant.line_1, user=None, name=name, corners=LEFT)


@pytest.mark.parametrize("shape", ["((0,0),(1,1))", "((0,0),(2,0),(1,1))", "((0,0),(-1,0),(1,1))"])
def test_the_database_holds_shapes_to_the_picture(plant: Plant, shape: str) -> None:
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO zone (source_id, name, shape, created_at) VALUES (%s, 'x', %s, now())",
            [plant.line_1.pk, shape],
        )


def test_zones_go_with_their_project(plant: Plant, alice: User) -> None:
    add_zone(source=plant.line_1, user=None, name="Door", corners=LEFT)
    delete_project(project=plant.project, user=alice)
    assert not Project.objects.filter(slug="plant").exists()
    assert not Zone.objects.exists()
