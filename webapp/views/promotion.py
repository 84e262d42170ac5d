"""Putting a version live: a shadow run first, the verdicts it would change, then a person's word. And back."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from analytics import Interval, wilson
from webapp.actions import promotion
from webapp.actions.people import is_admin
from webapp.actions.refused import Refused
from webapp.actions.runs import cancel_run
from webapp.models import ModelVersion, Project, Run
from webapp.models.shadow import newest_shadow_run, shadow_result
from webapp.views.asking import person, project_of
from webapp.views.model_page import version_of

PAUSE_S = 2
PICTURES_SHOWN = 60


@require_safe
def show(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    project = project_of(request, slug)
    version = version_of(project, number)
    return render(request, "models/promote.html", {"tab": "models", **_context(request, project, version)})


@require_safe
def status(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """How far the shadow run is and what it has found; asked for again while it goes on."""
    project = project_of(request, slug)
    return render(request, "models/_shadow.html", _context(request, project, version_of(project, number)))


@require_POST
def start_shadow(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    project = project_of(request, slug)
    version = version_of(project, number)
    wanted = request.POST.get("image_count", "")
    count = int(wanted) if wanted.isdecimal() and len(wanted) < 9 else 0
    try:
        promotion.start_shadow_run(model_version=version, user=person(request), image_count=count)
    except Refused as refused:
        messages.error(request, str(refused))
    return redirect("model-promote", project.slug, number)


@require_POST
def stop_shadow(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    project = project_of(request, slug)
    run = newest_shadow_run(version_of(project, number))
    if run is not None and run.state == Run.State.RUNNING:
        cancel_run(run=run, user=person(request))
    return redirect("model-promote", project.slug, number)


@require_POST
def go_live(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Confirmed: live. A version that was live before needs no shadow run again."""
    project = project_of(request, slug)
    version = version_of(project, number)
    note = request.POST.get("note", "")
    change = promotion.roll_back if promotion.was_live(version) else promotion.promote
    try:
        change(model_version=version, user=person(request), note=note)
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect("model-promote", project.slug, number)
    messages.success(request, f"Version {version.number} is live. New batches are segmented with it.")
    return redirect("models", project.slug)


def _context(request: HttpRequest, project: Project, version: ModelVersion) -> dict[str, Any]:
    run = newest_shadow_run(version)
    result = shadow_result(run) if run is not None else None
    context: dict[str, Any] = {
        "project": project,
        "version": version,
        "live": project.live_model,
        "is_live": project.live_model_id == version.pk,
        "needs_shadow_run": promotion.needs_shadow_run(version),
        "is_admin": is_admin(person(request), project.workspace),
        "image_count": promotion.SHADOW_IMAGES,
        "most_images": promotion.MOST_SHADOW_IMAGES,
        "note_length": promotion.NOTE_LENGTH,
        "run": run,
        "result": result,
        "pause": PAUSE_S,
    }
    if result is None:
        return context
    return context | {
        "changed": result.changed[:PICTURES_SHOWN],
        "pictures_shown": PICTURES_SHOWN,
        "pass_to_fail": _interval(result.pass_to_fail_count, result.pass_count),
        "fail_to_pass": _interval(result.fail_to_pass_count, result.fail_count),
    }


def _interval(count: int, n: int) -> Interval | None:
    return wilson(count, n) if n else None
