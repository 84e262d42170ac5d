"""The dashboard's pages besides the overview: each is its frame, its numbers and its panels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponse

from analytics.scope import Scope
from analytics.tabs.page import TabPage
from webapp.views.dashboard_frame import Frame, frame

Build = Callable[[Any, Scope], TabPage]


def show_tab(request: HttpRequest, slug: str, name: str, template: str, build: Build) -> HttpResponse:
    """The page `dashboard-<name>` of a project; 400 where its address names no scope, 404 where it is not theirs."""
    page = frame(request, slug, f"dashboard-{name}")
    return shown(request, page, template, build)


def shown(request: HttpRequest, page: Frame, template: str, build: Build, **context: Any) -> HttpResponse:
    """The page within its frame. Where the address names no scope nothing is counted."""
    if page.scope is None or page.errors:
        return page.render(request, template, **context)
    with connection.cursor() as cursor:
        built = build(cursor, page.scope)
    return page.render(request, template, page=built, missing=page.missing(built.inspected_count), **context)
