"""Ask for the scores of one version or of all."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from analytics.wording import counted
from webapp.actions.evaluations import evaluate_all, start_evaluation
from webapp.actions.refused import Refused
from webapp.models import Dataset, Project
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
