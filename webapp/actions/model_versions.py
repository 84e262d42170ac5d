"""Model versions: register one, put it live."""

from __future__ import annotations

import hashlib
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path

from django.db import transaction
from django.db.models import Max

import segmentation
from segmentation.spec import ModelSpec
from webapp import storage
from webapp.models import Batch, Label, ModelLabel, ModelVersion, Project, TrainingRun, User
from webapp.pipeline.color_model import write_color_model
from webapp.pipeline.queueing import queue_batch
from webapp.tasks import queue_on_commit, segment_run

STARTER_FOLDER = Path(segmentation.__file__).parent / "starter"


@transaction.atomic
def register_model(
    *,
    project: Project,
    user: User | None,
    folder: Path,
    origin: str,
    training_run: TrainingRun | None = None,
    validation_iou: Mapping[str, float | None] | None = None,
) -> ModelVersion:
    """Copy a model folder into the store and give it the project's next number.

    Its labels are found in the project by name; ValueError names those the project lacks.
    """
    spec = ModelSpec.from_json((folder / "model.json").read_text())
    labels = match_labels(project, spec)
    Project.objects.select_for_update().get(pk=project.pk)
    number = (project.model_versions.aggregate(last=Max("number"))["last"] or 0) + 1
    name = f"{project.slug}-{number}-{uuid.uuid4().hex[:8]}"
    shutil.copytree(folder, storage.model_folder(name))
    model_version = ModelVersion.objects.create(
        project=project,
        number=number,
        architecture=spec.architecture,
        encoder=spec.encoder or "",
        origin=origin,
        training_run=training_run,
        folder=name,
        weights_sha256=_sha256(folder / "model.safetensors"),
        min_region_px=spec.min_region_px,
        created_by=user,
    )
    ModelLabel.objects.bulk_create(
        ModelLabel(
            model_version=model_version,
            index=label.index,
            label=labels[label.name.lower()],
            validation_iou=(validation_iou or {}).get(label.name),
        )
        for label in spec.labels
    )
    return model_version


def match_labels(project: Project, spec: ModelSpec) -> dict[str, Label]:
    """The project's labels by lower-case name. ValueError names what the model tells apart and the project lacks."""
    labels = {label.name.lower(): label for label in project.labels.all()}
    missing = [label.name for label in spec.labels if label.name.lower() not in labels]
    if missing:
        raise ValueError(
            f"the model tells apart {', '.join(missing)}, which project {project.name} has no label for; "
            f"add the labels first (it has: {', '.join(labels)})"
        )
    return labels


@transaction.atomic
def go_live(*, model_version: ModelVersion, user: User | None) -> None:
    """Make this the model for every batch from now on; batches that waited for a model start."""
    project = Project.objects.select_for_update().get(pk=model_version.project_id)
    project.live_model = model_version
    project.save(update_fields=["live_model"])
    for batch in Batch.objects.filter(project=project, runs__isnull=True):
        run = queue_batch(batch, model_version, user=user)
        queue_on_commit(segment_run, run.pk)


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


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
