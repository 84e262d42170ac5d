"""Sources: unique per site and name, kept while images came from them."""

from __future__ import annotations

import pytest

from tests.inspections import build_plant
from webapp.actions.refused import Refused
from webapp.actions.sources import (
    SourceInput,
    add_source,
    change_sources,
    remove_source,
    unused_sources,
)
from webapp.models import Batch, Project, Source, User, Workspace


def test_same_name_at_two_sites(alice: User, project: Project) -> None:
    for site in ("North", "South", ""):
        add_source(project=project, user=alice, source=SourceInput("Line 1", site))
    with pytest.raises(Refused, match="There is a source NORTH / line 1 already"):
        add_source(project=project, user=alice, source=SourceInput("line 1", "NORTH"))
    assert project.sources.count() == 3


@pytest.mark.parametrize(
    ("source", "field"),
    [
        (SourceInput(" "), "name"),
        (SourceInput("x" * 101), "name"),
        (SourceInput("a", kind="moon"), "kind"),
        (SourceInput("a", mm_per_pixel=0), "mm_per_pixel"),
        (SourceInput("a", mm_per_pixel=float("nan")), "mm_per_pixel"),
        (SourceInput("a", mm_per_pixel=float("inf")), "mm_per_pixel"),
    ],
)
def test_source_that_cannot_be(alice: User, project: Project, source: SourceInput, field: str) -> None:
    with pytest.raises(Refused) as refused:
        add_source(project=project, user=alice, source=source)
    assert refused.value.field == field


def test_two_sources_swap_their_names(alice: User, project: Project) -> None:
    one, two = (add_source(project=project, user=alice, source=SourceInput(name)) for name in ("A", "B"))
    change_sources(
        project=project, user=alice, changes={one.pk: SourceInput("B"), two.pk: SourceInput("A", mm_per_pixel=0.5)}
    )
    assert Source.objects.get(pk=one.pk).name == "B"
    assert Source.objects.get(pk=two.pk).mm_per_pixel == 0.5


def test_change_that_clashes_changes_nothing(alice: User, project: Project) -> None:
    one, two = (add_source(project=project, user=alice, source=SourceInput(name)) for name in ("A", "B"))
    with pytest.raises(Refused, match="There is a source c already"):
        change_sources(project=project, user=alice, changes={one.pk: SourceInput("C"), two.pk: SourceInput("c")})
    assert list(project.sources.values_list("name", flat=True)) == ["A", "B"]


def test_source_of_images_stays(alice: User, acme: Workspace) -> None:
    plant = build_plant(acme)
    plant.image(source=plant.line_1)
    Batch.objects.create(project=plant.project, name="Second", source=plant.line_2)
    assert unused_sources(plant.project) == set()
    for source in (plant.line_1, plant.line_2):
        with pytest.raises(Refused, match="Images came from"):
            remove_source(source=source, user=alice)
    spare = add_source(project=plant.project, user=alice, source=SourceInput("Spare"))
    assert unused_sources(plant.project) == {spare.pk}
    remove_source(source=spare, user=alice)
    assert plant.project.sources.count() == 2
