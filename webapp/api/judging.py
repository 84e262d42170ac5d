"""Judge model versions, compare them, and put one live."""

from __future__ import annotations

from typing import Annotated

from django.http import Http404
from django.shortcuts import get_object_or_404
from ninja import Query, Router, Status

from analytics.statistics import mcnemar
from webapp.actions.evaluations import start_evaluation
from webapp.actions.promotion import promote, start_shadow_run
from webapp.api.auth import ApiRequest
from webapp.api.errors import ApiError, invalid
from webapp.api.projects import visible_project
from webapp.api.schemas.errors import answers
from webapp.api.schemas.judging import (
    ComparisonOut,
    EvaluationIn,
    EvaluationOut,
    PromotionIn,
    PromotionOut,
    ShadowIn,
    ShadowOut,
)
from webapp.models import Dataset, Evaluation, ModelVersion, Project, User
from webapp.models.comparison import compare
from webapp.models.leaderboard import Holdout, holdouts
from webapp.models.shadow import newest_shadow_run, shadow_result
from webapp.pipeline.disagreement import disagreement

router = Router()

MODEL = "/projects/{slug:slug}/models/{int:model_id}"
WRITE_ERRORS = (400, 401, 403, 404, 422)
ModelId = Annotated[int, Query(0, description="Id of a model.")]
DatasetId = Annotated[int | None, Query(None, description="Id of a data set; the newest without it.")]


@router.post(f"{MODEL}/evaluate", response=answers(EvaluationOut, status=202, errors=WRITE_ERRORS))
def evaluate_model(request: ApiRequest, slug: str, model_id: int, payload: EvaluationIn) -> Status[EvaluationOut]:
    """Judge a model on the images of a data set that were kept apart. A worker does it; ask again for the scores."""
    version = _version(request.auth, slug, model_id)
    dataset = _holdout(version.project, payload.dataset).dataset
    return Status(202, EvaluationOut.of(start_evaluation(model_version=version, dataset=dataset, user=request.auth)))


@router.get(f"{MODEL}/evaluation", response=answers(EvaluationOut))
def show_evaluation(request: ApiRequest, slug: str, model_id: int, dataset: DatasetId = None) -> EvaluationOut:
    """How far it is, and every score once it is done."""
    version = _version(request.auth, slug, model_id)
    chosen = _holdout(version.project, dataset)
    return EvaluationOut.of(
        get_object_or_404(Evaluation, model_version=version, dataset=chosen.dataset, split=chosen.split)
    )


@router.post(f"{MODEL}/shadow", response=answers(ShadowOut, status=202, errors=WRITE_ERRORS))
def start_shadow(request: ApiRequest, slug: str, model_id: int, payload: ShadowIn) -> Status[ShadowOut]:
    """See what a model would change on the newest images. Nothing that counts changes by it."""
    version = _version(request.auth, slug, model_id)
    run = start_shadow_run(model_version=version, user=request.auth, image_count=payload.image_count)
    return Status(202, ShadowOut.of(shadow_result(run)))


@router.get(f"{MODEL}/shadow", response=answers(ShadowOut))
def show_shadow(request: ApiRequest, slug: str, model_id: int) -> ShadowOut:
    """The newest shadow run of a model: how far it is and which verdicts would change."""
    run = newest_shadow_run(_version(request.auth, slug, model_id))
    if run is None:
        raise ApiError(404, f"Model {model_id} has no shadow run yet. Start one with POST to the same address.")
    return ShadowOut.of(shadow_result(run))


@router.post(f"{MODEL}/promote", response=answers(PromotionOut, errors=WRITE_ERRORS))
def promote_model(request: ApiRequest, slug: str, model_id: int, payload: PromotionIn) -> PromotionOut:
    """Put a model live after its shadow run; administrators only. The first of a project needs no shadow run."""
    version = _version(request.auth, slug, model_id)
    return PromotionOut.of(promote(model_version=version, user=request.auth, note=payload.note))


@router.get("/projects/{slug:slug}/promotions", response=answers(list[PromotionOut], errors=(401, 404)))
def list_promotions(request: ApiRequest, slug: str) -> list[PromotionOut]:
    """What went live when, newest first."""
    return [PromotionOut.of(row) for row in visible_project(request.auth, slug).promotions.all()]


@router.get("/projects/{slug:slug}/compare", response=answers(ComparisonOut))
def compare_models(
    request: ApiRequest, slug: str, a: ModelId = 0, b: ModelId = 0, dataset: DatasetId = None
) -> ComparisonOut:
    """Two models, by their ids, on the same images kept apart. Both must have been evaluated on them."""
    project = visible_project(request.auth, slug)
    chosen = _holdout(project, dataset)
    done = Evaluation.objects.filter(dataset=chosen.dataset, split=chosen.split, state=Evaluation.State.DONE)
    evaluations: list[Evaluation] = []
    for name, model_id in (("a", a), ("b", b)):
        found = done.filter(model_version=model_id, model_version__project=project).first()
        if found is None:
            raise invalid(name, _without_scores(model_id, chosen))
        evaluations.append(found)
    first, second = evaluations
    comparison = compare(first, second, disagreement(first, second))
    p_value = mcnemar(comparison.only_first_right_count, comparison.only_second_right_count)
    return ComparisonOut.of(comparison, first, p_value)


def _without_scores(model_id: int, holdout: Holdout) -> str:
    if not model_id:
        return "Expected the id of a model to compare, got none."
    return f"Model {model_id} has no scores on data set {holdout.dataset.pk}. Evaluate it first."


def _version(user: User, slug: str, model_id: int) -> ModelVersion:
    project = visible_project(user, slug)
    version = get_object_or_404(ModelVersion, project=project, pk=model_id)
    version.project = project
    return version


def _holdout(project: Project, dataset_id: int | None) -> Holdout:
    """The images kept apart of the data set asked for, else of the newest that has some."""
    offered = [one for one in holdouts(project) if one.split is not None]
    if dataset_id is None:
        if not offered:
            raise Http404
        return offered[0]
    found = next((one for one in offered if one.dataset.pk == dataset_id), None)
    if found is None:
        known = ", ".join(str(one.dataset.pk) for one in offered) or "none yet"
        is_there = Dataset.objects.filter(project=project, pk=dataset_id).exists()
        what = "no images kept apart" if is_there else "no place in this project"
        raise invalid("dataset", f"Data set {dataset_id} has {what}. Data sets with a hold-out: {known}.")
    return found
