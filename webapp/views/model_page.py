"""One model version: where it comes from, how good it is, its card, its licence."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from analytics import judging_panels as panels
from analytics.panels import Panel
from segmentation.model_files import BACKEND_FILE, CARD_FILE, SPEC_FILE, chosen_backend
from webapp import storage
from webapp.actions import model_versions
from webapp.actions.people import is_admin
from webapp.actions.promotion import was_live
from webapp.actions.refused import Refused
from webapp.models import DatasetImage, Evaluation, ModelExport, ModelVersion, Project
from webapp.models.leaderboard import Holdout, holdouts
from webapp.models.learned_images import learned_counts
from webapp.views.asking import person, project_of
from webapp.views.leaderboard import rates

CARD_LIMIT_BYTES = 200_000
SPEC_LIMIT_BYTES = 5_000_000


def version_of(project: Project, number: int) -> ModelVersion:
    """The version of an address; 404 where the project has none of this number."""
    versions = ModelVersion.objects.filter(project=project).select_related("created_by", "training_run__dataset")
    version = get_object_or_404(versions.prefetch_related("model_labels__label"), number=number)
    version.project = project
    return version


@require_safe
def show(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    project = project_of(request, slug)
    version = version_of(project, number)
    offered = [one for one in holdouts(project) if one.split is not None]
    chosen = next((one for one in offered if str(one.dataset.pk) == request.GET.get("dataset")), None)
    holdout = chosen or _best_known(version, offered)
    evaluation = _evaluation(version, holdout)
    context = {
        "project": project,
        "tab": "models",
        "version": version,
        "is_live": version.pk == project.live_model_id,
        "was_live": was_live(version),
        "is_admin": is_admin(person(request), project.workspace),
        "holdouts": offered,
        "holdout": holdout,
        "evaluation": evaluation,
        "learned_count": _learned_count(version, holdout),
        "card": _card(version),
        **_newest_test(version),
        "others": project.model_versions.exclude(pk=version.pk),
        "backends": _backends(version),
        "is_exporting": version.exports.filter(state=ModelExport.State.QUEUED).exists(),
        "backend_in_use": chosen_backend(_folder(version, BACKEND_FILE)),
        **_scores(project, version, evaluation),
    }
    return render(request, "models/show.html", context)


@require_POST
def change_licence(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    project = project_of(request, slug)
    version = version_of(project, number)
    try:
        licence = request.POST.get("licence", "")
        model_versions.change_licence(model_version=version, user=person(request), licence=licence)
        messages.success(request, "The licence is written down.")
    except Refused as refused:
        messages.error(request, str(refused))
    return redirect("model-card", project.slug, number)


def _best_known(version: ModelVersion, offered: list[Holdout]) -> Holdout | None:
    """The newest data set that this version has scores on, else the newest there is."""
    scored = set(version.evaluations.filter(state=Evaluation.State.DONE).values_list("dataset", "split"))
    known = (one for one in offered if (one.dataset.pk, one.split) in scored)
    return next(known, offered[0] if offered else None)


def _learned_count(version: ModelVersion, holdout: Holdout | None) -> int:
    if holdout is None:
        return 0
    return learned_counts(version.project, holdout.dataset, holdout.split).get(version.pk, 0)


def _evaluation(version: ModelVersion, holdout: Holdout | None) -> Evaluation | None:
    if holdout is None:
        return None
    return version.evaluations.filter(dataset=holdout.dataset, split=holdout.split).first()


def _scores(project: Project, version: ModelVersion, evaluation: Evaluation | None) -> dict[str, Any]:
    found: dict[str, Any] = {"importance": panels.importance_panel(_feature_importance(version))}
    if evaluation is None or evaluation.state != Evaluation.State.DONE:
        return found
    scores = evaluation.scores
    defects = list(project.labels.filter(is_defect=True).values_list("name", flat=True))
    missed, rejected = rates(scores.get("counts"))
    charts: list[Panel | None] = [
        panels.confusion_panel(scores),
        panels.calibration_panel(scores),
        panels.regions_panel(scores, defects),
        *panels.sweep_panels(scores),
    ]
    return found | {
        "scores": scores,
        "missed": missed,
        "rejected": rejected,
        "labels_table": panels.labels_table(scores),
        "slices_table": panels.slices_table(scores),
        "charts": [chart for chart in charts if chart is not None],
    }


def _card(version: ModelVersion) -> str:
    path = _folder(version, CARD_FILE) / CARD_FILE
    if not path.is_file():
        return ""
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.read(CARD_LIMIT_BYTES)


def _newest_test(version: ModelVersion) -> dict[str, Any]:
    """The newest scores on test images, for below the card, which was written before there were any."""
    found = version.evaluations.filter(state=Evaluation.State.DONE, split=DatasetImage.Split.TEST)
    newest = found.select_related("dataset").order_by("-finished_at").first()
    if newest is None:
        return {}
    tables = (panels.labels_table(newest.scores), panels.slices_table(newest.scores))
    return {
        "newest_test": newest,
        "newest_test_tables": [replace(one, title=f"{one.title} on test images") for one in tables if one is not None],
        "newest_test_learned": learned_counts(version.project, newest.dataset, newest.split).get(version.pk, 0),
    }


def _feature_importance(version: ModelVersion) -> dict[str, float]:
    """What a classical model says of its features in its spec; empty for all others."""
    path = _folder(version, SPEC_FILE) / SPEC_FILE
    if not path.is_file() or path.stat().st_size > SPEC_LIMIT_BYTES:
        return {}
    options = json.loads(path.read_text(encoding="utf-8")).get("options") or {}
    return {str(name): float(value) for name, value in (options.get("feature_importance") or {}).items()}


def _folder(version: ModelVersion, file: str) -> Path:
    """The version's folder, with this file of it on this disk where it has one."""
    return storage.fetch_folder(storage.model_folder(version.folder), only=[file])


def _backends(version: ModelVersion) -> list[dict[str, Any]]:
    """Every backend a version can be exported to, with its export where there is one."""
    known = {export.backend: export for export in version.exports.all()}
    return [
        {"value": backend.value, "name": backend.label, "export": known.get(backend.value)}
        for backend in ModelExport.Backend
    ]
