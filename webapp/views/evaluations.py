"""Ask for the scores of one version or of all, and see what a version made of a labelled image."""

from __future__ import annotations

from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from analytics.wording import counted
from webapp import storage
from webapp.actions.evaluations import evaluate_all, start_evaluation
from webapp.actions.refused import Refused
from webapp.models import Dataset, EvaluatedImage, Evaluation, Project
from webapp.views.asking import person, project_of
from webapp.views.model_page import version_of


@require_POST
def start(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    project = project_of(request, slug)
    version = version_of(project, number)
    try:
        start_evaluation(model_version=version, dataset=_dataset(request, project), user=person(request))
    except Refused as refused:
        messages.error(request, str(refused))
    return _back(request, project)


@require_POST
def start_all(request: HttpRequest, slug: str) -> HttpResponse:
    project = project_of(request, slug)
    try:
        started = evaluate_all(dataset=_dataset(request, project), user=person(request))
        messages.success(request, f"{counted(len(started), 'version')} will be evaluated, one after the other.")
    except Refused as refused:
        messages.error(request, str(refused))
    return _back(request, project)


@require_safe
def overlay(request: HttpRequest, evaluated_id: int) -> HttpResponseBase:
    """WebP thumbnail of a labelled image with what the version found laid over."""
    row = _evaluated(request, evaluated_id)
    return _picture(storage.evaluation_overlay_path(row.evaluation_id, row.dataset_image_id))


@require_safe
def truth(request: HttpRequest, evaluated_id: int) -> HttpResponseBase:
    """The same image with its annotation laid over."""
    return _picture(storage.truth_overlay_path(_evaluated(request, evaluated_id).dataset_image_id))


def _evaluated(request: HttpRequest, evaluated_id: int) -> EvaluatedImage:
    visible = Evaluation.objects.visible_to(request.user)
    return get_object_or_404(EvaluatedImage, pk=evaluated_id, evaluation__in=visible)


def _picture(path: storage.Path) -> FileResponse:
    if not path.is_file():
        raise Http404("this picture was not kept; evaluate the version again")
    answer = FileResponse(path.open("rb"), content_type="image/webp")
    answer["Cache-Control"] = "private, max-age=600"
    return answer


def _dataset(request: HttpRequest, project: Project) -> Dataset:
    wanted = request.POST.get("dataset", "")
    newest = Dataset.objects.filter(project=project).order_by("-pk")
    if not wanted:
        return get_object_or_404(newest[:1])
    return get_object_or_404(newest, pk=int(wanted) if wanted.isdecimal() and len(wanted) < 19 else 0)


def _back(request: HttpRequest, project: Project) -> HttpResponse:
    address = request.POST.get("next", "")
    if address and url_has_allowed_host_and_scheme(address, allowed_hosts=None):
        return redirect(address)
    return redirect("models", project.slug)
