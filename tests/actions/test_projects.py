"""New projects: their slugs, their labels, who may make them."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied

from segmentation.scenes import SCENE_LABELS
from webapp.actions.project_templates import TEMPLATE_LABELS, LabelInput
from webapp.actions.projects import create_project, rename_project
from webapp.actions.refused import Refused
from webapp.models import Project, User, Workspace


def make(alice: User, acme: Workspace, name: str = "Parts", **more: object) -> Project:
    return create_project(user=alice, workspace=acme, name=name, **{"template": "blank", **more})


def test_surface_template_is_what_the_starter_model_tells_apart(project: Project) -> None:
    expected = [(one.index, one.name, one.color.lower(), one.is_defect) for one in SCENE_LABELS]
    assert list(project.labels.values_list("index", "name", "color", "is_defect")) == expected


@pytest.mark.parametrize("template", Project.Template.values)
def test_every_template_makes_a_project(alice: User, acme: Workspace, template: str) -> None:
    labels = make(alice, acme, template=template).labels.all()
    assert [label.name for label in labels] == [label.name for label in TEMPLATE_LABELS[template]]
    assert labels[0].name == "background"
    assert not labels[0].is_defect
    assert len({label.color for label in labels}) == len(labels)


def test_slugs_are_unique_and_readable(alice: User, acme: Workspace) -> None:
    names = ["Brake discs, line 3", "Brake discs, Line 3!", "制动盘", "Ω", "x" * 100, "x" * 100]
    slugs = [make(alice, acme, name).slug for name in names]
    assert slugs[:4] == ["brake-discs-line-3", "brake-discs-line-3-2", "project", "project-2"]
    assert slugs[4:] == ["x" * 70, "x" * 70 + "-2"]


def test_given_labels_take_the_place_of_the_template(alice: User, acme: Workspace) -> None:
    labels = [LabelInput("sky", "#0000FF"), LabelInput(" rust ", "#ff0000", is_defect=True, severity=5)]
    made = make(alice, acme, template="surface", labels=labels).labels
    assert list(made.values_list("index", "name", "color", "is_defect", "severity")) == [
        (0, "sky", "#0000ff", False, 1),
        (1, "rust", "#ff0000", True, 5),
    ]


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ([], "1 to 255 labels, got 0"),
        ([LabelInput(f"label {place}", "#000000") for place in range(256)], "got 256"),
        ([LabelInput("a", "#000000"), LabelInput("A ", "#111111")], "Two labels are named A"),
        ([LabelInput(" ", "#000000")], "1 to 60 printable characters"),
        ([LabelInput("a\nb", "#000000")], "1 to 60 printable characters"),
        ([LabelInput("a", "red")], "Expected a colour like #d55e00 for a, got 'red'"),
        ([LabelInput("a", "#00000g")], "Expected a colour"),
        ([LabelInput("a", "#000000", severity=6)], "Severity of a is 1 to 5, got 6"),
    ],
)
def test_labels_that_cannot_be(alice: User, acme: Workspace, labels: list[LabelInput], words: str) -> None:
    with pytest.raises(Refused) as refused:
        make(alice, acme, labels=labels)
    assert words in str(refused.value)
    assert refused.value.field == "labels"
    assert not Project.objects.exists()


def test_name_and_template_are_checked(alice: User, acme: Workspace) -> None:
    with pytest.raises(Refused, match="1 to 100 characters"):
        make(alice, acme, " ")
    with pytest.raises(Refused, match="A template is one of surface, retail"):
        make(alice, acme, template="moon")


def test_outsider_makes_no_project(acme: Workspace, charlie: User) -> None:
    with pytest.raises(PermissionDenied):
        make(charlie, acme)


def test_renaming_keeps_the_address(alice: User, project: Project) -> None:
    rename_project(project=project, user=alice, name=" Drums ", description=" Line 4 ")
    project.refresh_from_db()
    assert (project.name, project.description, project.slug) == ("Drums", "Line 4", "brake-discs-line-3")
