"""What all pages of the dashboard share: the project, one scope from the address, the tabs and the filters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from analytics import Choices, Scope, ScopeError, choices
from analytics.queries import ProjectState, project_state
from webapp.models import Project
from webapp.views.asking import person, project_of
from webapp.views.dashboard_pages import PAGES
from webapp.views.saved_views import saved_views
from webapp.views.scope_form import scope_form


@dataclass(frozen=True)
class Tab:
    name: str
    href: str
    is_current: bool


@dataclass(frozen=True)
class Frame:
    """`scope` is None where the address names none; then `errors` says, per parameter, what was expected.

    `context` is what `templates/dashboard/_frame.html` needs.
    """

    project: Project
    page: str
    scope: Scope | None
    state: ProjectState
    errors: dict[str, str]
    choices: Choices
    context: dict[str, Any]

    def missing(self, inspected_count: int) -> str:
        """What is missing where there is nothing to show: "images", "model", "results" or "match"; else empty."""
        if inspected_count or self.scope is None:
            return ""
        if not self.state.has_images:
            return "images"
        if self.scope.is_narrowed():
            return "match"
        if self.state.in_progress_count or self.state.has_live_model:
            return "results"
        return "model"

    def render(self, request: HttpRequest, template: str, **context: Any) -> HttpResponse:
        """The page; 400 where the address names no scope."""
        return render(request, template, self.context | context, status=400 if self.errors else 200)


def frame(request: HttpRequest, slug: str, page: str) -> Frame:
    """The frame around one page of the dashboard; `page` is the name of its address. 404 as `project_of`."""
    project = project_of(request, slug)
    batch, vs_batch = (request.GET.get(name, "").strip() for name in ("batch", "vs_batch"))
    errors: dict[str, str] = {}
    scope: Scope | None = None
    with connection.cursor() as cursor:
        offered = choices(cursor, project.pk, batch=batch, vs_batch=vs_batch)
        try:
            scope = Scope.from_query(request.GET, project_id=project.pk, choices=offered, time_zone=settings.TIME_ZONE)
        except ScopeError as error:
            errors = error.fields
        state = project_state(cursor, project.pk)
    context = {
        "project": project,
        "tab": "dashboard",
        "page_name": page,
        "page_title": PAGES[page],
        "page_url": reverse(page, args=[project.slug]),
        "dashboard_tabs": _tabs(project, page, scope),
        "form": scope_form(request.GET, offered, scope, errors, timezone.localdate()),
        "scope": scope,
        "errors": errors,
        "state": state,
        "images_url": reverse("images", args=[project.slug]),
        "query_string": request.GET.urlencode(),
        "saved_views": saved_views(project, person(request)),
    }
    return Frame(project, page, scope, state, errors, offered, context)


def _tabs(project: Project, page: str, scope: Scope | None) -> list[Tab]:
    """Every page of the dashboard, of the same scope."""
    query = scope.query() if scope else ""
    tabs = []
    for name, text in PAGES.items():
        try:
            address = reverse(name, args=[project.slug])
        except NoReverseMatch:
            continue
        tabs.append(Tab(text, f"{address}?{query}" if query else address, name == page))
    return tabs
