"""Trainings: start one, watch it, end it early."""

from __future__ import annotations

from django.shortcuts import get_object_or_404
from ninja import Router, Status

from webapp.actions.refused import Refused
from webapp.actions.training import TrainingWish, cancel_training, start_training
from webapp.actions.training_advice import USUAL_MINUTES
from webapp.api.auth import ApiRequest
from webapp.api.errors import invalid
from webapp.api.inputs import Cursor, Limit, place
from webapp.api.projects import visible_project
from webapp.api.schemas.errors import READ_ERRORS, WRITE_ERRORS, answers
from webapp.api.schemas.trainings import CancelIn, EpochOut, TrainingIn, TrainingOut, TrainingPage, TrainingRow
from webapp.models import Dataset, ModelVersion, Project, TrainingRun, User

router = Router()


@router.get("/projects/{slug:slug}/trainings", response=answers(TrainingPage))
def list_trainings(request: ApiRequest, slug: str, cursor: Cursor = "", limit: Limit = 50) -> TrainingPage:
    """Newest first."""
    project = visible_project(request.auth, slug)
    before = place(cursor)
    rows = TrainingRun.objects.visible_to(request.auth).filter(project=project).order_by("-pk")
    if before:
        rows = rows.filter(pk__lt=before)
    found = list(rows[: limit + 1])
    versions = {
        version.training_run_id: version for version in ModelVersion.objects.filter(training_run__in=found[:limit])
    }
    return TrainingPage(
        items=[TrainingRow(**TrainingRow.values(row, versions.get(row.pk))) for row in found[:limit]],
        next=str(found[limit - 1].pk) if len(found) > limit else None,
    )


@router.post("/projects/{slug:slug}/trainings", response=answers(TrainingOut, status=201, errors=WRITE_ERRORS))
def create_training(request: ApiRequest, slug: str, payload: TrainingIn) -> Status[TrainingOut]:
    """Queue a training. Its model goes live by itself only where the project has no live model yet."""
    project = visible_project(request.auth, slug)
    is_timed = payload.minutes is not None or payload.epochs is not None
    parent = None if isinstance(payload.start, str) else _parent(project, payload.start)
    wish = TrainingWish(
        dataset=_dataset(project, payload.dataset),
        minutes=payload.minutes if is_timed else USUAL_MINUTES,
        epochs=payload.epochs,
        target=payload.target,
        architecture=payload.architecture,
        encoder=payload.encoder,
        start=payload.start if isinstance(payload.start, str) else TrainingRun.Start.PARENT,
        parent=parent,
        presets=payload.augment,
        loss=payload.loss,
        crop_px=payload.crop_px,
        mirrored_views=payload.mirrored_views,
        seed=payload.seed,
    )
    try:
        training_run = start_training(project=project, user=request.auth, wish=wish)
    except Refused as refused:
        raise invalid(
            {"presets": "augment", "parent": "start"}.get(refused.field, refused.field), str(refused)
        ) from refused
    return Status(201, _training_out(request.auth, training_run.pk))


@router.get("/trainings/{int:training_id}", response=answers(TrainingOut, errors=READ_ERRORS))
def show_training(request: ApiRequest, training_id: int) -> TrainingOut:
    """How far it is, with the numbers of every epoch."""
    return _training_out(request.auth, training_id)


@router.post("/trainings/{int:training_id}/cancel", response=answers(TrainingOut, errors=WRITE_ERRORS))
def cancel(request: ApiRequest, training_id: int, payload: CancelIn) -> TrainingOut:
    """End it early. Ask again until `status` is `done` (what it learned was kept) or `cancelled`."""
    cancel_training(training_run=_visible(request.auth, training_id), user=request.auth, keep=payload.keep)
    return _training_out(request.auth, training_id)


def _visible(user: User, training_id: int) -> TrainingRun:
    return get_object_or_404(TrainingRun.objects.visible_to(user), pk=training_id)


def _training_out(user: User, training_id: int) -> TrainingOut:
    training_run = _visible(user, training_id)
    model_version = ModelVersion.objects.filter(training_run=training_run).first()
    curve = [EpochOut.of(epoch) for epoch in training_run.epochs.all()]
    return TrainingOut(**TrainingRow.values(training_run, model_version), curve=curve)


def _dataset(project: Project, dataset_id: int | None) -> Dataset:
    known = Dataset.objects.filter(project=project).order_by("-pk")
    found = (known if dataset_id is None else known.filter(pk=dataset_id)).first()
    if found is None:
        ids = ", ".join(str(pk) for pk in known.values_list("pk", flat=True)) or "none yet"
        which = "no data set" if dataset_id is None else f"no data set {dataset_id}"
        raise invalid("dataset", f"The project has {which}. It has: {ids}.")
    return found


def _parent(project: Project, model_id: int) -> ModelVersion:
    known = ModelVersion.objects.filter(project=project)
    found = known.filter(pk=model_id).first()
    if found is None:
        ids = ", ".join(str(pk) for pk in known.values_list("pk", flat=True)) or "none yet"
        raise invalid("start", f"The project has no model {model_id}. It has: {ids}.")
    return found
