"""The model versions of a project: which is live, how good each is, how to get one."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from webapp import storage
from webapp.actions import model_versions
from webapp.models import Batch, ModelVersion, Project
from webapp.views.asking import person, project_of

CARD_LIMIT_BYTES = 200_000
TRAININGS_SHOWN = 10
COMMAND = ".venv/bin/python manage.py"


@require_safe
def show(request: HttpRequest, slug: str) -> HttpResponse:
    project = project_of(request, slug)
    versions = _versions(project)
    origins = {version.origin for version in versions}
    context = {
        "project": project,
        "tab": "models",
        "versions": versions,
        "trainings": _trainings(project),
        "waiting_batch_count": Batch.objects.filter(project=project, runs__isnull=True).count(),
        "starter_fits": model_versions.starter_fits(project),
        "has_starter": ModelVersion.Origin.STARTER in origins,
        "import_command": f"{COMMAND} import_dataset FOLDER --project {project.slug}",
        "train_command": f"{COMMAND} train --project {project.slug} --architecture unet --minutes 60",
    }
    return render(request, "models/index.html", context)


@require_safe
def card(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """One version: where it comes from, how well it found each label, and its model card as text."""
    project = project_of(request, slug)
    version = _version(project, number)
    path = storage.model_folder(version.folder) / "card.md"
    if not path.is_file():
        raise Http404("This model version has no model card.")
    with path.open(encoding="utf-8", errors="replace") as file:
        text = file.read(CARD_LIMIT_BYTES)
    context = {"project": project, "tab": "models", "version": version, "card": text}
    return render(request, "models/card.html", context)


@require_POST
def go_live(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    project = project_of(request, slug)
    version = _version(project, number)
    model_versions.go_live(model_version=version, user=person(request))
    messages.success(request, f"Version {version.number} is live. New batches are segmented with it.")
    return redirect("models", project.slug)


@require_POST
def add_starter(request: HttpRequest, slug: str) -> HttpResponse:
    project = project_of(request, slug)
    if not model_versions.starter_fits(project):
        messages.error(request, "The starter model needs the labels scratch, crack, pit and stain. Add them first.")
        return redirect("models", project.slug)
    version = model_versions.add_starter_model(project=project, user=person(request))
    return _added(request, project, version)


@require_POST
def add_colors(request: HttpRequest, slug: str) -> HttpResponse:
    project = project_of(request, slug)
    version = model_versions.add_color_model(project=project, user=person(request))
    return _added(request, project, version)


def _added(request: HttpRequest, project: Project, version: ModelVersion) -> HttpResponse:
    project.refresh_from_db(fields=["live_model"])
    is_live = project.live_model_id == version.pk
    state = "is live" if is_live else "is ready; make it live when you want to use it"
    messages.success(request, f"Version {version.number} {state}.")
    return redirect("models", project.slug)


def _version(project: Project, number: int) -> ModelVersion:
    versions = ModelVersion.objects.filter(project=project).select_related("created_by", "training_run__dataset")
    return get_object_or_404(versions.prefetch_related("model_labels__label"), number=number)


def _versions(project: Project) -> list[ModelVersion]:
    versions = ModelVersion.objects.filter(project=project).select_related("created_by", "training_run__dataset")
    return list(versions.prefetch_related("model_labels__label"))


def _trainings(project: Project) -> list[object]:
    """Trainings that made no model: still going on, or failed."""
    unfinished = project.training_runs.filter(~Q(state="done")).select_related("dataset")
    return list(unfinished.annotate(epoch_count=Count("epochs")).order_by("-pk")[:TRAININGS_SHOWN])
