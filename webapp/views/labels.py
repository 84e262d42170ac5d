"""Labels of a project, as its settings page sends them."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from analytics import wording
from webapp.actions.labels import add_label, change_labels, remove_label
from webapp.actions.refused import Refused
from webapp.forms.projects import LabelForm
from webapp.models import Project
from webapp.views.asking import person, project_of
from webapp.views.settings_page import label_forms, settings_page


@require_POST
def save(request: HttpRequest, slug: str) -> HttpResponse:
    project = project_of(request, slug)
    rows = label_forms(project, request.POST)
    if not all(form.is_valid() for _, form in rows):
        return settings_page(request, project, label_forms=rows)
    changes = {label.pk: form.value() for label, form in rows}
    try:
        changed_count = change_labels(project=project, user=person(request), changes=changes)
    except Refused as refused:
        return settings_page(request, project, label_forms=rows, label_error=str(refused))
    judged = f" {wording.counted(changed_count, 'image')} changed between pass and fail." if changed_count else ""
    messages.success(request, f"The labels are saved.{judged}")
    return _back(project)


@require_POST
def add(request: HttpRequest, slug: str) -> HttpResponse:
    project = project_of(request, slug)
    form = LabelForm(request.POST, prefix="new")
    if form.is_valid():
        try:
            label = add_label(project=project, user=person(request), label=form.value())
        except Refused as refused:
            form.add_error("name", str(refused))
        else:
            messages.success(request, f"The label {label} is added. A model must be trained before it finds any.")
            return _back(project)
    return settings_page(request, project, new_label_form=form)


@require_POST
def remove(request: HttpRequest, slug: str, label_id: int) -> HttpResponse:
    project = project_of(request, slug)
    label = get_object_or_404(project.labels, pk=label_id)
    try:
        remove_label(label=label, user=person(request))
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, f"The label {label} is removed.")
    return _back(project)


def _back(project: Project) -> HttpResponse:
    return redirect(reverse("project-settings", args=[project.slug]) + "#labels")
