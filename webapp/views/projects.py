"""New project, its settings, its rule, its end."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from analytics import wording
from webapp.actions import privacy, verdicts
from webapp.actions.project_deletion import delete_project
from webapp.actions.project_templates import TEMPLATE_LABELS, TEMPLATE_WORDS, LabelInput
from webapp.actions.projects import create_project, rename_project
from webapp.actions.refused import Refused
from webapp.forms.projects import DeletionForm, NewProjectForm, PrivacyForm, ProjectForm, RuleForm
from webapp.models import Project, Workspace
from webapp.views.asking import person, project_of
from webapp.views.settings_page import settings_page


@dataclass(frozen=True)
class TemplateChoice:
    value: str
    name: str
    words: str
    labels: tuple[LabelInput, ...]


TEMPLATE_CHOICES = [
    TemplateChoice(template.value, str(template.label), TEMPLATE_WORDS[template], TEMPLATE_LABELS[template])
    for template in Project.Template
]


@require_http_methods(["GET", "HEAD", "POST"])
def create(request: HttpRequest) -> HttpResponse:
    form = NewProjectForm(request.POST or None, user=person(request))
    if request.method == "POST" and form.is_valid():
        try:
            project = create_project(user=person(request), **form.cleaned_data)
        except Refused as refused:
            form.add_error(refused.field or None, str(refused))
        else:
            return redirect("dashboard", project.slug)
    context = {
        "nav": "projects",
        "form": form,
        "templates": TEMPLATE_CHOICES,
        "workspaces": list(Workspace.objects.visible_to(request.user)),
    }
    return render(request, "projects/new.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: HttpRequest, slug: str) -> HttpResponse:
    project = project_of(request, slug)
    if request.method != "POST":
        return settings_page(request, project)
    form = ProjectForm(request.POST)
    if not form.is_valid():
        return settings_page(request, project, project_form=form)
    rename_project(project=project, user=person(request), **form.cleaned_data)
    messages.success(request, "Name, description and currency are saved.")
    return redirect("project-settings", project.slug)


@require_POST
def change_rule(request: HttpRequest, slug: str) -> HttpResponse:
    project = project_of(request, slug)
    form = RuleForm(request.POST)
    if not form.is_valid():
        return settings_page(request, project, rule_form=form)
    changed_count = verdicts.change_rule(
        project=project, user=person(request), min_region_px=form.cleaned_data["min_region_px"]
    )
    words = wording.counted(changed_count, "image")
    messages.success(request, f"The rule is saved. {words} changed between pass and fail.")
    return redirect(reverse("project-settings", args=[project.slug]) + "#rule")


@require_POST
def change_privacy(request: HttpRequest, slug: str) -> HttpResponse:
    project = project_of(request, slug)
    form = PrivacyForm(request.POST)
    form.is_valid()
    try:
        privacy.change_privacy(project=project, user=person(request), blur_people=form.cleaned_data["blur_people"])
    except Refused as refused:
        form.add_error("blur_people", str(refused))
        return settings_page(request, project, privacy_form=form)
    messages.success(request, "What videos start with is saved.")
    return redirect(reverse("project-settings", args=[project.slug]) + "#videos")


@require_POST
def delete(request: HttpRequest, slug: str) -> HttpResponse:
    project = project_of(request, slug)
    form = DeletionForm(request.POST, expected=project.name)
    if not form.is_valid():
        return settings_page(request, project, deletion_form=form)
    delete_project(project=project, user=person(request))
    messages.success(request, f"The project {project.name} is deleted with its images and results.")
    return redirect("home")
