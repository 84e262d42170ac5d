"""Labels: what may change once images are segmented, and what the numbers do then."""

from __future__ import annotations

from typing import Any

import pytest

from tests.inspections import Plant, build_plant
from webapp.actions.labels import add_label, change_labels, label_input, remove_label, unused_labels
from webapp.actions.project_templates import LabelInput
from webapp.actions.refused import Refused
from webapp.models import Image, Label, Measurement, ModelLabel, Prediction, Project, User, Workspace
from webapp.pipeline import rollups


@pytest.fixture
def plant(acme: Workspace) -> Plant:
    """Two images: one with a scratch that fails it, one with dust, which is no defect."""
    plant = build_plant(acme)
    plant.image({"scratch": [60]}, name="scratched")
    plant.image({"dust": [500]}, name="dusty")
    return plant.count_up()


def verdicts(plant: Plant) -> dict[str, Any]:
    rows = Prediction.objects.filter(image__project=plant.project).values_list("image__name", "verdict")
    return dict(rows)


def change(label: Label, **values: Any) -> LabelInput:
    return LabelInput(**{**vars(label_input(label)), **values})


def test_new_label_has_zeros_for_every_image_segmented_before(alice: User, plant: Plant) -> None:
    label = add_label(project=plant.project, user=alice, label=LabelInput("rust", "#aa0000", is_defect=True))
    assert label.index == 4
    rows = Measurement.objects.filter(label=label)
    assert list(rows.values_list("pixels", "region_count", "area_fraction")) == [(0, 0, 0.0), (0, 0, 0.0)]
    assert rollups.differences(plant.project.pk) == []


def test_defect_flag_judges_every_image_again(alice: User, plant: Plant) -> None:
    assert verdicts(plant) == {"scratched": "fail", "dusty": "pass"}
    dust, scratch = plant.labels["dust"], plant.labels["scratch"]
    changes = {dust.pk: change(dust, is_defect=True), scratch.pk: change(scratch, is_defect=False)}
    assert change_labels(project=plant.project, user=alice, changes=changes) == 2
    assert verdicts(plant) == {"scratched": "pass", "dusty": "fail"}
    assert rollups.differences(plant.project.pk) == []


def test_names_and_colours_change_without_judging(alice: User, project: Project) -> None:
    one, two = project.labels.filter(index__in=[1, 2])
    changes = {one.pk: change(one, name="crack", color="#111111"), two.pk: change(two, name="Scratch", severity=5)}
    assert change_labels(project=project, user=alice, changes=changes) == 0
    assert list(project.labels.filter(index__in=[1, 2]).values_list("name", "color", "severity")) == [
        ("crack", "#111111", 2),
        ("Scratch", "#d55e00", 5),
    ]


def test_two_labels_never_share_a_name(alice: User, project: Project) -> None:
    one = project.labels.get(name="pit")
    with pytest.raises(Refused, match="Two labels are named stain"):
        change_labels(project=project, user=alice, changes={one.pk: change(one, name="STAIN")})
    with pytest.raises(Refused, match="Two labels are named stain"):
        add_label(project=project, user=alice, label=LabelInput("stain", "#000000"))
    assert project.labels.get(pk=one.pk).name == "pit"


def test_label_of_another_project_is_not_changed(alice: User, project: Project, plant: Plant) -> None:
    foreign = plant.labels["dust"]
    with pytest.raises(KeyError):
        change_labels(project=project, user=alice, changes={foreign.pk: change(foreign, name="mine")})
    assert Label.objects.get(pk=foreign.pk).name == "dust"


def test_unused_label_goes_with_its_zeros(alice: User, plant: Plant) -> None:
    pit = plant.labels["pit"]
    assert unused_labels(plant.project) == {pit.pk}
    remove_label(label=pit, user=alice)
    assert not Label.objects.filter(pk=pit.pk).exists()
    assert Measurement.objects.count() == 2 * 3
    assert rollups.differences(plant.project.pk) == []


def test_label_in_use_stays(alice: User, plant: Plant) -> None:
    with pytest.raises(Refused, match="scratch is used by a model or found in images"):
        remove_label(label=plant.labels["scratch"], user=alice)
    with pytest.raises(Refused, match="background is the first label"):
        remove_label(label=plant.labels["background"], user=alice)
    ModelLabel.objects.create(model_version=plant.model_version, index=2, label=plant.labels["pit"])
    assert unused_labels(plant.project) == set()


def test_label_that_annotated_masks_may_hold_stays(alice: User, plant: Plant) -> None:
    Image.objects.filter(project=plant.project).first().annotations.create(mask_sha256="0" * 64)  # type: ignore[union-attr]
    with pytest.raises(Refused):
        remove_label(label=plant.labels["pit"], user=alice)


def test_no_more_labels_than_a_mask_can_hold(alice: User, project: Project) -> None:
    Label.objects.bulk_create(
        Label(project=project, index=index, name=f"label {index}", color="#000000") for index in range(5, 255)
    )
    with pytest.raises(Refused, match="1 to 255 labels, got 256"):
        add_label(project=project, user=alice, label=LabelInput("one more", "#000000"))
