"""Sources of a project: where its pictures come from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef

from webapp.actions.events import record
from webapp.actions.refused import Refused
from webapp.models import Batch, Image, Intake, Project, ProjectEvent, Source, User


@dataclass(frozen=True)
class SourceInput:
    """A source as a person gives it. `mm_per_pixel`: the length of one pixel on the object, where known."""

    name: str
    site: str = ""
    kind: str = Source.Kind.LINE
    mm_per_pixel: float | None = None


def add_source(*, project: Project, user: User | None, source: SourceInput) -> Source:
    """Refused where the project has a source of this site and name."""
    try:
        with transaction.atomic():
            return Source.objects.create(project=project, **_columns(source))
    except IntegrityError as error:
        raise _taken(source) from error


@transaction.atomic
def change_sources(*, project: Project, user: User | None, changes: Mapping[int, SourceInput]) -> None:
    """Change sources by their id. KeyError for an id that is not the project's."""
    present = {source.pk: source for source in project.sources.all()}
    if unknown := sorted(set(changes) - set(present)):
        raise KeyError(f"sources {unknown} are not of project {project}")
    for pk in changes:
        # Out of the way first, so that two sources can swap their names.
        Source.objects.filter(pk=pk).update(name=f"\x1f{pk}")
    for pk, change in changes.items():
        try:
            with transaction.atomic():
                Source.objects.filter(pk=pk).update(**_columns(change))
        except IntegrityError as error:
            raise _taken(change) from error
        _record_calibration(present[pk], change, user)


def _record_calibration(before: Source, change: SourceInput, user: User | None) -> None:
    if before.mm_per_pixel == change.mm_per_pixel:
        return
    old, new = (
        f"{size:g} mm per pixel" if size else "not calibrated" for size in (before.mm_per_pixel, change.mm_per_pixel)
    )
    record(
        project=before.project,
        kind=ProjectEvent.Kind.CALIBRATION,
        sentence=f"{change.name.strip()}: from {old} to {new}",
        user=user,
        source=before,
    )


@transaction.atomic
def remove_source(*, source: Source, user: User | None) -> None:
    """Refused while a batch or an image came from it."""
    if source.intakes.exists():
        raise Refused(f"An automatic intake takes images in for {source}: remove the intake first.")
    if source.pk not in unused_sources(source.project):
        raise Refused(f"Images came from {source}, so it cannot be removed. It can be renamed.")
    source.delete()


def unused_sources(project: Project) -> set[int]:
    """Ids of the sources that no batch and no image came from, and no intake names."""
    named = [Exists(model.objects.filter(source=OuterRef("pk"))) for model in (Batch, Image, Intake)]
    return set(project.sources.exclude(named[0] | named[1] | named[2]).values_list("pk", flat=True))


def _taken(source: SourceInput) -> Refused:
    place = f"{source.site.strip()} / {source.name.strip()}" if source.site.strip() else source.name.strip()
    return Refused(f"There is a source {place} already. Give each its own name.", field="name")


def _columns(source: SourceInput) -> dict[str, object]:
    name = source.name.strip()
    if not 1 <= len(name) <= 100:
        raise Refused(f"A source name has 1 to 100 characters, this one has {len(name)}.", field="name")
    if source.kind not in Source.Kind.values:
        raise Refused(f"A source is one of {', '.join(Source.Kind.values)}, got {source.kind!r}.", field="kind")
    size = source.mm_per_pixel
    if size is not None and not (math.isfinite(size) and size > 0):
        raise Refused(f"Millimetres per pixel must be above 0, got {size}.", field="mm_per_pixel")
    return {"name": name, "site": source.site.strip()[:100], "kind": source.kind, "mm_per_pixel": size}
