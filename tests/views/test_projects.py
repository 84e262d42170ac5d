"""New project, settings, labels, sources, rule, deletion: as a browser sends them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cast import signed_in
from tests.inspections import Plant, build_plant
from webapp.actions.sources import SourceInput, add_source
from webapp.models import Batch, Prediction, Project, User, Workspace


def text(answer: Any) -> str:
    return str(answer.content.decode())


@pytest.fixture
def plant(acme: Workspace) -> Plant:
    """Two images: a scratch of 60 px fails one, a pit of 19 px does not fail the other."""
    plant = build_plant(acme)
    plant.image({"scratch": [60]}, source=plant.line_1)
    plant.image({"pit": [19]})
    return plant.count_up()


def fails(plant: Plant) -> int:
    return Prediction.objects.filter(image__project=plant.project, verdict="fail").count()


def test_new_project_opens_its_dashboard(alice: User, acme: Workspace) -> None:
    client = signed_in(alice)
    page = text(client.get("/projects/new"))
    assert "Manufacturing surface" in page
    assert "spalling" in page
    fields = {"name": "Bridges", "template": "infrastructure", "workspace": acme.pk, "description": "A7"}
    assert client.post("/projects/new", fields).url == "/p/bridges/"
    made = Project.objects.get(slug="bridges")
    assert (made.name, made.template, made.description, made.workspace) == ("Bridges", "infrastructure", "A7", acme)
    assert made.labels.filter(is_defect=True).count() == 3


def test_new_project_needs_a_name_a_template_and_ones_own_workspace(
    alice: User, acme: Workspace, charlie: User
) -> None:
    client = signed_in(alice)
    right = {"name": "Parts", "template": "blank", "workspace": acme.pk}
    for wrong in ({"name": " "}, {"template": "moon"}, {"workspace": charlie.workspaces.get().pk}):
        page = text(client.post("/projects/new", right | wrong))
        assert 'class="errorlist"' in page
    assert not Project.objects.exists()


def test_without_a_workspace_the_page_says_what_to_do(alice: User) -> None:
    alice.memberships.all().delete()
    assert "Start a workspace first." in text(signed_in(alice).get("/projects/new"))


def test_settings_show_everything(alice: User, plant: Plant) -> None:
    page = text(signed_in(alice).get("/p/plant/settings/"))
    for words in ("The plant", "scratch", "Line 1", "1 pixel", "judges all 2 images again"):
        assert words in page


def test_name_and_description_are_saved(alice: User, plant: Plant) -> None:
    client = signed_in(alice)
    client.post("/p/plant/settings/", {"name": "Discs", "description": "Line 3"})
    plant.project.refresh_from_db()
    assert (plant.project.name, plant.project.description) == ("Discs", "Line 3")
    assert "This field is required." in text(client.post("/p/plant/settings/", {"name": ""}))


def test_rule_judges_every_image_again(alice: User, plant: Plant) -> None:
    client = signed_in(alice)
    page = text(client.post("/p/plant/settings/rule", {"min_region_px": "19"}, follow=True))
    assert "1 image changed between pass and fail." in page
    assert "19 pixels" in page
    assert fails(plant) == 2
    client.post("/p/plant/settings/rule", {"min_region_px": "61"})
    assert fails(plant) == 0
    client.post("/p/plant/settings/rule", {"min_region_px": ""})
    plant.project.refresh_from_db()
    assert plant.project.min_region_px is None
    assert fails(plant) == 2


@pytest.mark.parametrize("value", ["0", "-3", "1.5", "many", "99999999999"])
def test_rule_that_cannot_be(alice: User, plant: Plant, value: str) -> None:
    page = text(signed_in(alice).post("/p/plant/settings/rule", {"min_region_px": value}))
    assert 'class="errorlist"' in page
    assert fails(plant) == 1


def label_fields(plant: Plant, **changes: dict[str, Any]) -> dict[str, Any]:
    """What the labels form sends, unticked boxes left out; `changes` by label."""
    fields: dict[str, Any] = {}
    for name, label in plant.labels.items():
        label.refresh_from_db()
        row = {"name": label.name, "color": label.color, "severity": label.severity, "is_defect": label.is_defect}
        for key, value in (row | changes.get(name, {})).items():
            if value is not False:
                fields[f"label-{label.pk}-{key}"] = value
    return fields


def test_labels_are_saved_together(alice: User, plant: Plant) -> None:
    changes = {
        "scratch": {"name": "pit", "is_defect": False},
        "pit": {"name": "scratch", "color": "#123456", "severity": 4},
    }
    plant.project.min_region_px = 20
    plant.project.save()
    page = text(signed_in(alice).post("/p/plant/settings/labels", label_fields(plant, **changes), follow=True))
    assert "1 image changed between pass and fail." in page
    rows = plant.project.labels.filter(index__in=[1, 2]).values_list("name", "color", "is_defect", "severity")
    assert list(rows) == [("pit", "#d55e00", False, 1), ("scratch", "#123456", True, 4)]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": "Dust"}, "Two labels are named"),
        ({"name": ""}, "Name: This field is required."),
        ({"color": "red"}, "Expected a colour like #d55e00."),
        ({"severity": 9}, "Severity: Select a valid choice."),
    ],
)
def test_labels_that_cannot_be(alice: User, plant: Plant, change: dict[str, Any], words: str) -> None:
    page = text(signed_in(alice).post("/p/plant/settings/labels", label_fields(plant, pit=change)))
    assert words in page
    assert plant.project.labels.filter(name="pit", color="#0072b2").exists()


def test_label_is_added_and_removed(alice: User, plant: Plant) -> None:
    client = signed_in(alice)
    fields = {"new-name": "rust", "new-color": "#aa0000", "new-is_defect": "on", "new-severity": "3"}
    client.post("/p/plant/settings/labels/new", fields)
    rust = plant.project.labels.get(name="rust")
    assert (rust.index, rust.is_defect, rust.severity) == (4, True, 3)
    assert "Two labels are named rust" in text(client.post("/p/plant/settings/labels/new", fields))
    client.post(f"/p/plant/settings/labels/{rust.pk}/remove")
    assert not plant.project.labels.filter(name="rust").exists()
    scratch = plant.labels["scratch"]
    page = text(client.post(f"/p/plant/settings/labels/{scratch.pk}/remove", follow=True))
    assert "scratch is used by a model or found in images" in page


def test_source_is_added_changed_and_removed(alice: User, project: Project) -> None:
    client, base = signed_in(alice), f"/p/{project.slug}/settings/sources"
    new = {"new-site": "North", "new-name": "Line 1", "new-kind": "camera", "new-mm_per_pixel": "0.05"}
    client.post(f"{base}/new", new)
    source = project.sources.get()
    assert (source.site, source.kind, source.mm_per_pixel) == ("North", "camera", 0.05)
    assert "There is a source North / Line 1 already" in text(client.post(f"{base}/new", new))
    row = f"source-{source.pk}"
    client.post(base, {f"{row}-site": "", f"{row}-name": "Line 2", f"{row}-kind": "line", f"{row}-mm_per_pixel": ""})
    source.refresh_from_db()
    assert (str(source), source.kind, source.mm_per_pixel) == ("Line 2", "line", None)
    assert "Name: This field is required." in text(client.post(base, {f"{row}-kind": "line"}))
    Batch.objects.create(project=project, name="First", source=source)
    assert "so it cannot be removed" in text(client.post(f"{base}/{source.pk}/remove", follow=True))
    project.batches.all().delete()
    client.post(f"{base}/{source.pk}/remove")
    assert not project.sources.exists()


def test_sources_with_one_name_are_refused(alice: User, project: Project) -> None:
    one, two = (add_source(project=project, user=alice, source=SourceInput(name)) for name in ("A", "B"))
    fields = {f"source-{row.pk}-{key}": value for row in (one, two) for key, value in (("name", "A"), ("kind", "line"))}
    page = text(signed_in(alice).post(f"/p/{project.slug}/settings/sources", fields))
    assert "There is a source A already" in page
    assert project.sources.filter(name="B").exists()


def test_label_and_source_of_another_project_are_out_of_reach(alice: User, project: Project, plant: Plant) -> None:
    client, base = signed_in(alice), f"/p/{project.slug}/settings"
    assert client.post(f"{base}/labels/{plant.labels['pit'].pk}/remove").status_code == 404
    assert client.post(f"{base}/sources/{plant.line_2.pk}/remove").status_code == 404


def test_project_goes_when_its_name_is_typed(alice: User, plant: Plant, data_folder: Path) -> None:
    client = signed_in(alice)
    page = text(client.post("/p/plant/settings/delete", {"name": "the plant"}))
    assert "To delete it, type: The plant" in page
    assert Project.objects.filter(slug="plant").exists()
    page = text(client.post("/p/plant/settings/delete", {"name": "The plant"}, follow=True))
    assert "The project The plant is deleted" in page
    assert not Project.objects.filter(slug="plant").exists()


def test_members_do_not_delete_projects(bob: User, plant: Plant) -> None:
    client = signed_in(bob)
    assert "Only an administrator of Acme can delete it." in text(client.get("/p/plant/settings/"))
    assert client.post("/p/plant/settings/delete", {"name": "The plant"}).status_code == 403
    assert Project.objects.filter(slug="plant").exists()
