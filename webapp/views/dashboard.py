"""The overview of a project's dashboard: the numbers that matter first, then how and why they moved."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from analytics import GRAINS, Scope, build_dashboard, build_page
from webapp.actions.reviews import REASONS
from webapp.models import Project
from webapp.views.dashboard_frame import frame
from webapp.views.worst import worst_images

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
    page = frame(request, slug, "dashboard")
    if page.scope is None:
        return page.render(request, "dashboard/show.html")
    with connection.cursor() as cursor:
        dashboard = build_dashboard(cursor, page.scope)
        worst = worst_images(cursor, page.project, page.scope)
    return page.render(
        request,
        "dashboard/show.html",
        dashboard=dashboard,
        page=build_page(dashboard, page.choices),
        has_costs=any(label.is_defect and label.cost is not None for label in dashboard.labels),
        worst=worst,
        worst_title=_worst_title(len(worst)),
        reasons=REASONS,
        downloads=_downloads(page.project, page.scope),
        missing=page.missing(dashboard.summary.inspected_count),
    )


def _worst_title(number: int) -> str:
    return "The worst image" if number == 1 else f"The {number} worst images"


def _downloads(project: Project, scope: Scope) -> list[Download]:
    query = scope.query(bucket="auto", versus=None)
    return [
        Download(
            *_GRAIN_WORDS[grain],
            href=reverse("report", args=[project.slug, grain]) + (f"?{query}" if query else ""),
        )
        for grain in GRAINS
    ]
