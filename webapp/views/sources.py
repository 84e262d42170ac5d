"""Sources of a project, as its settings page sends them."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from webapp.actions.refused import Refused
from webapp.actions.sources import add_source, change_sources, remove_source
from webapp.forms.projects import SourceForm
from webapp.models import Project
from webapp.views.asking import person, project_of
from webapp.views.settings_page import settings_page, source_forms


@require_POST
def save(request: HttpRequest, slug: str) -> HttpResponse:
    project = project_of(request, slug)
    rows = source_forms(project, request.POST)
    if not all(form.is_valid() for _, form in rows):
        return settings_page(request, project, source_forms=rows)
    changes = {source.pk: form.value() for source, form in rows}
    try:
        change_sources(project=project, user=person(request), changes=changes)
    except Refused as refused:
        return settings_page(request, project, source_forms=rows, source_error=str(refused))
    messages.success(request, "The sources are saved.")
    return _back(project)


@require_POST
def add(request: HttpRequest, slug: str) -> HttpResponse:
    project = project_of(request, slug)
    form = SourceForm(request.POST, prefix="new")
    if form.is_valid():
        try:
            source = add_source(project=project, user=person(request), source=form.value())
        except Refused as refused:
            form.add_error(refused.field or None, str(refused))
        else:
            messages.success(request, f"The source {source} is added. Choose it when you upload a batch.")
            return _back(project)
    return settings_page(request, project, new_source_form=form)


@require_POST
def remove(request: HttpRequest, slug: str, source_id: int) -> HttpResponse:
    project = project_of(request, slug)
    source = get_object_or_404(project.sources, pk=source_id)
    try:
        remove_source(source=source, user=person(request))
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, f"The source {source} is removed.")
    return _back(project)


def _back(project: Project) -> HttpResponse:
    return redirect(reverse("project-settings", args=[project.slug]) + "#sources")
