"""CSV files of a scope, streamed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from django.conf import settings
from django.db import connection
from django.http import Http404, StreamingHttpResponse
from ninja import Query, Router

from analytics import Grain, Scope, read_scope, report, report_filename
from webapp.api.auth import ApiRequest
from webapp.api.projects import visible_project
from webapp.api.schemas.dashboard import ScopeQuery
from webapp.api.schemas.errors import answers

router = Router()

GRAINS: dict[str, Grain] = {grain: grain for grain in get_args(Grain)}
CSV_CONTENT = {
    "parameters": [
        {"in": "path", "name": "grain", "required": True, "schema": {"type": "string", "enum": list(GRAINS)}}
    ],
    "responses": {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
}


@router.get("/projects/{slug:slug}/reports/{grain}.csv", response=answers(None))
def show_report(request: ApiRequest, slug: str, grain: str, query: Query[ScopeQuery]) -> StreamingHttpResponse:
    """The rows behind the dashboard of the same scope, in UTF-8 with a header line.

    Grains: images, labels (one row per image and label), regions, daily (one row per day and source). The
    columns are explained in docs/csv.md.
    """
    project = visible_project(request.auth, slug)
    if grain not in GRAINS:
        raise Http404
    with connection.cursor() as cursor:
        scope = read_scope(cursor, query.parameters(), project_id=project.pk, time_zone=settings.TIME_ZONE)
    chosen = GRAINS[grain]
    response = StreamingHttpResponse(_rows(scope, chosen), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{report_filename(project.slug, chosen, scope)}"'
    return response


def _rows(scope: Scope, grain: Grain) -> Iterator[bytes]:
    with connection.cursor() as cursor:
        yield from report(cursor, scope, grain)
