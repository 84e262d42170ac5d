"""The dashboard's numbers."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import connection
from ninja import Query, Router

from analytics import build_dashboard, dashboard_json, read_scope
from webapp.api.auth import ApiRequest
from webapp.api.projects import visible_project
from webapp.api.schemas.dashboard import DashboardOut, ScopeQuery
from webapp.api.schemas.errors import answers

router = Router()


@router.get("/projects/{slug:slug}/dashboard", response=answers(DashboardOut))
def show_dashboard(request: ApiRequest, slug: str, query: Query[ScopeQuery]) -> dict[str, Any]:
    """Every number of the dashboard page for one scope: the same rows, the same moment."""
    project = visible_project(request.auth, slug)
    with connection.cursor() as cursor:
        scope = read_scope(cursor, query.parameters(), project_id=project.pk, time_zone=settings.TIME_ZONE)
        return dashboard_json(build_dashboard(cursor, scope))
