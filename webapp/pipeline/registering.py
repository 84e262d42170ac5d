"""A model folder becomes a model version of a project, and a version goes live. Needs no torch."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from django.db import transaction
from django.db.models import Max

from segmentation.model_files import file_sha256, weights_path
from segmentation.spec import ModelSpec
from webapp import storage
from webapp.models import Batch, Label, ModelLabel, ModelVersion, Project, Promotion, TrainingRun, User
from webapp.pipeline.queueing import queue_batch
from webapp.pipeline.weights_size import parameter_count, weights_bytes


@transaction.atomic
def register_model(
    *,
    project: Project,
    user: User | None,
    folder: Path,
    origin: str,
    training_run: TrainingRun | None = None,
    labels: Sequence[Label] | None = None,
    validation_iou: Mapping[str, float | None] | None = None,
    licence: str = "",
) -> ModelVersion:
    """Copy a model folder into the store and give it the project's next number.

    `labels`: what its outputs stand for, in their order; None: found in the project by name, ValueError names those
    that the project lacks.
    """
    spec = ModelSpec.from_json((folder / "model.json").read_text())
    if labels is None:
        known = match_labels(project, spec)
        labels = [known[output.name.lower()] for output in spec.labels]
    Project.objects.select_for_update().get(pk=project.pk)
    number = (project.model_versions.aggregate(last=Max("number"))["last"] or 0) + 1
    name = f"{project.slug}-{number}-{uuid.uuid4().hex[:8]}"
    shutil.copytree(folder, storage.model_folder(name))
    storage.keep_folder(storage.model_folder(name))
    model_version = ModelVersion.objects.create(
        project=project,
        number=number,
        architecture=spec.architecture,
        encoder=spec.encoder or "",
        origin=origin,
        training_run=training_run,
        folder=name,
        weights_sha256=file_sha256(weights_path(folder, spec.architecture)),
        min_region_px=spec.min_region_px,
        temperature=spec.temperature,
        parameter_count=parameter_count(folder),
        file_bytes=weights_bytes(folder),
        licence=licence[:200],
        created_by=user,
    )
    ModelLabel.objects.bulk_create(
        ModelLabel(
            model_version=model_version,
            index=output.index,
            label=label,
            validation_iou=(validation_iou or {}).get(output.name),
            min_region_px=output.min_region_px,
        )
        for output, label in zip(spec.labels, labels, strict=True)
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
def put_live(
    model_version: ModelVersion,
    *,
    user: User | None,
    kind: str = Promotion.Kind.LIVE,
    note: str = "",
    shadow: Mapping[str, int] | None = None,
) -> list[int]:
    """Make this the model of every batch from now on, and write down that it was; nothing where it is already.

    Returns the runs of batches that waited, for waking workers. `shadow`: what a shadow run has shown.
    """
    project = Project.objects.select_for_update().get(pk=model_version.project_id)
    if project.live_model_id != model_version.pk:
        Promotion.objects.create(
            project=project,
            model_version=model_version,
            previous_id=project.live_model_id,
            user=user,
            kind=kind if project.live_model_id is not None else Promotion.Kind.LIVE,
            note=note,
            shadow=dict(shadow or {}),
        )
        Project.objects.filter(pk=project.pk).update(live_model=model_version)
    waiting = Batch.objects.filter(project=project, runs__isnull=True)
    return [queue_batch(batch, model_version, user=user).pk for batch in waiting]
