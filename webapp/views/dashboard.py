"""The dashboard of a project: one scope, its numbers, its figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from analytics import GRAINS, Dashboard, Scope, ScopeError, build_dashboard, build_page, choices
from webapp.models import Project
from webapp.views.asking import project_of
from webapp.views.scope_form import scope_form

_GRAIN_WORDS = {
    "images": ("Images", "one row per image"),
    "labels": ("Labels", "one row per image and label"),
    "regions": ("Regions", "one row per region found"),
    "daily": ("Days", "one row per day and source"),
}


@dataclass(frozen=True)
class Download:
    name: str
    detail: str
    href: str


@require_safe
def show(request: HttpRequest, slug: str) -> HttpResponse:
    project = project_of(request, slug)
    asked_batch = request.GET.get("batch", "").strip()
    with connection.cursor() as cursor:
        offered = choices(cursor, project.pk, batch=asked_batch)
        errors: dict[str, str] = {}
        scope: Scope | None = None
        try:
            scope = Scope.from_query(request.GET, project_id=project.pk, choices=offered, time_zone=settings.TIME_ZONE)
        except ScopeError as error:
            errors = error.fields
        dashboard = build_dashboard(cursor, scope) if scope else None
    context = {
        "project": project,
        "tab": "dashboard",
        "form": scope_form(request.GET, offered, scope, errors, timezone.localdate()),
        "errors": errors,
        "images_url": reverse("images", args=[project.slug]),
    }
    if dashboard:
        context |= _numbers(project, dashboard)
    return render(request, "dashboard/show.html", context, status=400 if errors else 200)


def _numbers(project: Project, dashboard: Dashboard) -> dict[str, Any]:
    return {
        "dashboard": dashboard,
        "scope": dashboard.scope,
        "page": build_page(dashboard),
        "downloads": _downloads(project, dashboard.scope),
        "missing": _missing(dashboard),
    }


def _downloads(project: Project, scope: Scope) -> list[Download]:
    query = scope.query(bucket="auto")
    return [
        Download(
            *_GRAIN_WORDS[grain],
            href=reverse("report", args=[project.slug, grain]) + (f"?{query}" if query else ""),
        )
        for grain in GRAINS
    ]


def _missing(dashboard: Dashboard) -> str:
    """What is missing where there is nothing to show: "images", "model", "results" or "match"; else empty."""
    state = dashboard.state
    if dashboard.summary.inspected_count:
        return ""
    if not state.has_images:
        return "images"
    if dashboard.scope.is_narrowed():
        return "match"
    if state.in_progress_count or state.has_live_model:
        return "results"
    return "model"
