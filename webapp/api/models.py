"""Model versions of a project."""

from __future__ import annotations

from django.shortcuts import get_object_or_404
from ninja import Router, Status

from webapp.actions.model_versions import add_color_model, add_starter_model
from webapp.actions.promotion import promote_directly
from webapp.api.auth import ApiRequest
from webapp.api.errors import invalid
from webapp.api.projects import visible_project
from webapp.api.schemas.errors import READ_ERRORS, WRITE_ERRORS, answers
from webapp.api.schemas.models import ModelIn, ModelOut
from webapp.models import Evaluation, ModelVersion, Project, User
from webapp.models.leaderboard import holdouts
from webapp.models.learning import ModelVersionQuerySet

router = Router()

ADD = {"starter": add_starter_model, "colors": add_color_model}


@router.get("/projects/{slug:slug}/models", response=answers(list[ModelOut], errors=READ_ERRORS))
def list_models(request: ApiRequest, slug: str) -> list[ModelOut]:
    """Newest first, with their scores on the newest data set that has images kept apart."""
    project = visible_project(request.auth, slug)
    scores = _scores(project)
    return [
        ModelOut.of(row, live_id=project.live_model_id, evaluation=scores.get(row.pk))
        for row in _whole(request.auth, project)
    ]


@router.post("/projects/{slug:slug}/models", response=answers(ModelOut, status=201, errors=WRITE_ERRORS))
def create_model(request: ApiRequest, slug: str, payload: ModelIn) -> Status[ModelOut]:
    """Add a model that needs no training. It goes live where the project has no live model yet."""
    project = visible_project(request.auth, slug)
    try:
        added = ADD[payload.kind](project=project, user=request.auth)
    except ValueError as error:
        raise invalid("kind", f"This model does not fit the project: {error}") from error
    return Status(201, _model_out(request.auth, slug, added.pk))


@router.post("/projects/{slug:slug}/models/{int:model_id}/live", response=answers(ModelOut, errors=(401, 403, 404)))
def go_live(request: ApiRequest, slug: str, model_id: int) -> ModelOut:
    """From now on this model segments what is uploaded, without a shadow run first. Administrators only.

    Batches that waited for a model start.
    """
    project = visible_project(request.auth, slug)
    chosen = get_object_or_404(_whole(request.auth, project), pk=model_id)
    promote_directly(model_version=chosen, user=request.auth)
    return _model_out(request.auth, slug, chosen.pk)


def _whole(user: User, project: Project) -> ModelVersionQuerySet:
    return ModelVersion.objects.visible_to(user).filter(project=project).prefetch_related("model_labels__label")


def _model_out(user: User, slug: str, model_id: int) -> ModelOut:
    project = visible_project(user, slug)
    return ModelOut.of(
        _whole(user, project).get(pk=model_id),
        live_id=project.live_model_id,
        evaluation=_scores(project).get(model_id),
    )


def _scores(project: Project) -> dict[int, Evaluation]:
    """The finished evaluations on the newest hold-out, by model."""
    newest = next((one for one in holdouts(project) if one.split is not None), None)
    if newest is None:
        return {}
    done = Evaluation.objects.filter(dataset=newest.dataset, split=newest.split, state=Evaluation.State.DONE)
    return {row.model_version_id: row for row in done}
