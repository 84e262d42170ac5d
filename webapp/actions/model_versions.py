"""Model versions: register one, put it live."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from django.db import transaction

import segmentation
from segmentation.spec import ModelSpec
from webapp.actions.refused import Refused
from webapp.models import ModelVersion, Project, Promotion, User
from webapp.pipeline.color_model import write_color_model
from webapp.pipeline.registering import match_labels, put_live, register_model
from webapp.tasks import queue_on_commit, segment_run

STARTER_FOLDER = Path(segmentation.__file__).parent / "starter"


@transaction.atomic
def go_live(
    *,
    model_version: ModelVersion,
    user: User | None,
    kind: str = Promotion.Kind.LIVE,
    note: str = "",
    shadow: Mapping[str, int] | None = None,
) -> None:
    """Make this the model for every batch from now on; batches that waited for a model start."""
    for run_id in put_live(model_version, user=user, kind=kind, note=note, shadow=shadow):
        queue_on_commit(segment_run, run_id)


@transaction.atomic
def change_licence(*, model_version: ModelVersion, user: User | None, licence: str) -> None:
    """Write down under which terms a version may be used. Refused above 200 characters."""
    licence = licence.strip()
    if len(licence) > 200:
        raise Refused(f"A licence has at most 200 characters, this one has {len(licence):,}.", field="licence")
    ModelVersion.objects.filter(pk=model_version.pk).update(licence=licence)


def starter_fits(project: Project) -> bool:
    """Whether the project has a label for everything the starter model tells apart."""
    try:
        match_labels(project, ModelSpec.from_json((STARTER_FOLDER / "model.json").read_text()))
    except ValueError:
        return False
    return True


def add_starter_model(*, project: Project, user: User | None) -> ModelVersion:
    """The starter model that comes with Pixelwise, as a version of this project, live if it has no model yet."""
    model_version = register_model(
        project=project, user=user, folder=STARTER_FOLDER, origin=ModelVersion.Origin.STARTER
    )
    return _live_if_first(model_version, user)


def add_color_model(*, project: Project, user: User | None) -> ModelVersion:
    """A model that gives every pixel the label of the nearest colour, live if the project has no model yet."""
    with write_color_model(list(project.labels.all())) as folder:
        model_version = register_model(project=project, user=user, folder=folder, origin=ModelVersion.Origin.COLORS)
    return _live_if_first(model_version, user)


def _live_if_first(model_version: ModelVersion, user: User | None) -> ModelVersion:
    if Project.objects.filter(pk=model_version.project_id, live_model__isnull=True).exists():
        go_live(model_version=model_version, user=user)
    return model_version
