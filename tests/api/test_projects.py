"""Projects, their labels, sources and models."""

from __future__ import annotations

import pytest

from tests.api.conftest import ApiClient, api_client
from tests.inspections import Plant
from webapp.actions.upload import open_batch, seal_batch
from webapp.models import Project, Run, User, Workspace

LABELS = [
    {"name": "background", "color": "#808080", "is_defect": False},
    {"name": "rust", "color": "#DC1E1E", "is_defect": True},
]


def test_a_new_project_has_the_labels_in_the_order_given(api: ApiClient, acme: Workspace) -> None:
    answer = api.post("projects", {"name": "Floor 1", "labels": LABELS})
    assert answer.status_code == 201
    project = answer.json()
    assert (project["slug"], project["name"], project["template"]) == ("floor-1", "Floor 1", "blank")
    assert project["workspace"] == {"id": acme.pk, "name": "Acme"}
    assert project["live_model"] is None
    assert project["min_region_px"] == 1
    usual = {"severity": 1, "cost": None, "is_person": False}
    assert project["labels"] == [
        {"index": 0, "name": "background", "color": "#808080", "is_defect": False} | usual,
        {"index": 1, "name": "rust", "color": "#dc1e1e", "is_defect": True} | usual,
    ]
    assert api.get("projects/floor-1").json() == project
    assert api.get("projects").json() == [project]


def test_labels_have_costs_in_the_projects_currency(api: ApiClient) -> None:
    labels = [LABELS[0], LABELS[1] | {"cost": 12.5}]
    project = api.post("projects", {"name": "Floor", "labels": labels, "currency": "CHF"}).json()
    assert project["currency"] == "CHF"
    assert [row["cost"] for row in project["labels"]] == [None, 12.5]
    assert api.post("projects", {"name": "Roof"}).json()["currency"] == "EUR"


def test_a_template_brings_its_labels(api: ApiClient) -> None:
    project = api.post("projects", {"name": "Parts", "template": "surface"}).json()
    assert [row["name"] for row in project["labels"]] == ["background", "scratch", "crack", "pit", "stain"]
    assert project["template"] == "surface"


def test_the_same_name_twice_gives_two_slugs(api: ApiClient) -> None:
    slugs = [api.post("projects", {"name": "Über"}).json()["slug"] for _ in range(2)]
    assert slugs == ["uber", "uber-2"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": " "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"name": "a", "template": "unknown"}, "template"),
        ({"name": "a", "labels": []}, "labels"),
        ({"name": "a", "labels": LABELS + LABELS[:1]}, "labels"),
        ({"name": "a", "labels": [{"name": "a", "color": "red"}]}, "labels"),
        ({"name": "a", "labels": [{"name": "a"}]}, "labels.0.color"),
        ({"name": "a", "labels": [{"name": "a", "color": "#000000", "severity": 6}]}, "labels.0.severity"),
        ({"name": "a", "labels": [{"name": "a", "color": "#000000", "cost": -1}]}, "labels.0.cost"),
        ({"name": "a", "labels": [{"name": "a", "color": "#000000", "cost": 0.001}]}, "labels.0.cost"),
        ({"name": "a", "currency": "euro"}, "currency"),
        ({"name": "a", "workspace": 2**62}, "workspace"),
        ({"name": "a", "workspace": 2**64}, "workspace"),
        ([], "name"),
    ],
)
def test_what_is_wrong_is_named(api: ApiClient, body: object, field: str) -> None:
    answer = api.post("projects", body)
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "invalid"
    assert list(answer.json()["error"]["fields"]) == [field]
    assert not Project.objects.exists()


def test_a_project_of_another_workspace_of_mine(api: ApiClient, alice: User) -> None:
    second = Workspace.objects.create(name="Second")
    second.memberships.create(user=alice)
    project = api.post("projects", {"name": "There", "workspace": second.pk}).json()
    assert project["workspace"]["name"] == "Second"


def test_not_in_a_workspace_of_others(api: ApiClient, charlie: User) -> None:
    foreign = charlie.workspaces.get()
    answer = api.post("projects", {"name": "Mine now", "workspace": foreign.pk})
    assert answer.status_code == 422
    assert "Elsewhere" not in answer.content.decode()


def test_without_a_workspace_no_project(db: None) -> None:
    answer = api_client(User.objects.create_user("new@example.com", "x")).post("projects", {"name": "a"})
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "forbidden"


def test_everyone_lists_their_own(api: ApiClient, bob: User, charlie: User, plant: Plant) -> None:
    assert [row["slug"] for row in api.get("projects").json()] == ["plant"]
    assert [row["slug"] for row in api_client(bob).get("projects").json()] == ["plant"]
    assert [row["slug"] for row in api_client(charlie).get("projects").json()] == ["elsewhere"]


def test_sources_are_listed_and_added(api: ApiClient, plant: Plant) -> None:
    added = api.post("projects/plant/sources", {"name": "Cam 3", "kind": "camera", "mm_per_pixel": 0.2})
    assert added.status_code == 201
    listed = api.get("projects/plant/sources").json()
    assert [(row["site"], row["name"]) for row in listed] == [
        ("", "Cam 3"),
        ("", "Line 2"),
        ("North", "Line 1"),
    ]
    assert listed[0] == added.json()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "line 1", "site": "north"}, "name"),
        ({"name": ""}, "name"),
        ({"name": "a", "kind": "moon"}, "kind"),
        ({"name": "a", "mm_per_pixel": 0}, "mm_per_pixel"),
        ('{"name": "a", "mm_per_pixel": NaN}', "mm_per_pixel"),
        ({"name": "a", "site": "b\0"}, "site"),
    ],
)
def test_odd_sources_are_refused(api: ApiClient, plant: Plant, body: object, field: str) -> None:
    answer = api.post("projects/plant/sources", body)
    assert answer.status_code == 422, answer.content
    assert list(answer.json()["error"]["fields"]) == [field]


def test_models_newest_first_with_their_iou(api: ApiClient, plant: Plant) -> None:
    second = plant.new_model_version()
    second.model_labels.create(index=0, label=plant.labels["scratch"], validation_iou=0.75)
    newest, oldest = api.get("projects/plant/models").json()
    assert (newest["id"], newest["number"], newest["is_live"]) == (second.pk, 2, False)
    assert newest["iou"] == {"scratch": 0.75}
    assert (oldest["id"], oldest["is_live"], oldest["iou"]) == (plant.model_version.pk, True, {})
    assert set(newest) >= {"architecture", "encoder", "origin", "created_at", "min_region_px"}


def test_the_color_model_goes_live_where_there_was_none(api: ApiClient) -> None:
    slug = api.post("projects", {"name": "New", "labels": LABELS}).json()["slug"]
    answer = api.post(f"projects/{slug}/models", {"kind": "colors"})
    assert answer.status_code == 201
    assert answer.json()["is_live"]
    assert answer.json()["origin"] == "colors"
    assert answer.json()["iou"] == {"background": None, "rust": None}
    assert api.get(f"projects/{slug}").json()["live_model"]["id"] == answer.json()["id"]


def test_the_starter_model_says_what_labels_it_needs(api: ApiClient) -> None:
    slug = api.post("projects", {"name": "New", "labels": LABELS}).json()["slug"]
    answer = api.post(f"projects/{slug}/models", {"kind": "starter"})
    assert answer.status_code == 422
    assert "scratch" in answer.json()["error"]["fields"]["kind"]


def test_going_live_starts_batches_that_waited(api: ApiClient, plant: Plant, alice: User) -> None:
    second = plant.new_model_version()
    plant.project.live_model = None
    plant.project.save()
    waiting = open_batch(project=plant.project, user=alice)
    seal_batch(batch=waiting)
    answer = api.post(f"projects/plant/models/{second.pk}/live")
    assert answer.status_code == 200
    assert answer.json()["is_live"]
    assert Run.objects.get(batch=waiting).model_version == second


def test_a_model_of_another_project_does_not_go_live(api: ApiClient, plant: Plant, charlie: User) -> None:
    foreign = Project.objects.get(slug="elsewhere").live_model
    assert foreign is not None
    assert api.post(f"projects/plant/models/{foreign.pk}/live").status_code == 404
    assert api.get("projects/plant").json()["live_model"]["id"] == plant.model_version.pk
