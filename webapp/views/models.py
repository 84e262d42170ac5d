"""The model versions of a project: how good each is, which is live, how to get one."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from webapp.actions import model_versions
from webapp.models import Batch, ModelVersion, Project
from webapp.views.asking import person, project_of
from webapp.views.leaderboard import leaderboard_context

TRAININGS_SHOWN = 10
HISTORY_LENGTH = 20
COMMAND = ".venv/bin/python manage.py"


@require_safe
def show(request: HttpRequest, slug: str) -> HttpResponse:
    project = project_of(request, slug)
    board = leaderboard_context(request, project)
    versions = [line.row.model_version for line in board["lines"]]
    origins = {version.origin for version in versions}
    context = board | {
        "tab": "models",
        "versions": versions,
        "promotions": project.promotions.select_related("model_version", "previous", "user")[:HISTORY_LENGTH],
        "trainings": _trainings(project),
        "waiting_batch_count": Batch.objects.filter(project=project, runs__isnull=True).count(),
        "starter_fits": model_versions.starter_fits(project),
        "has_starter": ModelVersion.Origin.STARTER in origins,
        "import_command": f"{COMMAND} import_dataset FOLDER --project {project.slug}",
        "train_command": f"{COMMAND} train --project {project.slug} --architecture unet --minutes 60",
    }
    return render(request, "models/index.html", context)


@require_safe
def board(request: HttpRequest, slug: str) -> HttpResponse:
    """The table alone, asked for again while versions are being evaluated."""
    project = project_of(request, slug)
    return render(request, "models/_leaderboard.html", leaderboard_context(request, project))


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


def _trainings(project: Project) -> list[object]:
    """Trainings that made no model: still going on, or failed."""
    unfinished = project.training_runs.filter(~Q(state="done")).select_related("dataset")
    return list(unfinished.annotate(epoch_count=Count("epochs")).order_by("-pk")[:TRAININGS_SHOWN])
