"""Rows of a scope: CSV streamed at once, every other kind of report written by a worker."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from django.conf import settings
from django.db import connection
from django.http import FileResponse, Http404, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from ninja import Query, Router, Status

from analytics import Grain, Scope, read_scope, report, report_filename
from webapp import storage
from webapp.actions.reports import ask_for_report, cancel_report, scope_of_query
from webapp.api.auth import ApiRequest
from webapp.api.projects import visible_project
from webapp.api.schemas.dashboard import ScopeQuery
from webapp.api.schemas.errors import answers
from webapp.api.schemas.reports import ReportIn, ReportOut
from webapp.models import Report

router = Router()

WRITE_ERRORS = (400, 401, 403, 404, 422)
LISTED = 100
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


@router.get("/projects/{slug:slug}/reports", response=answers(list[ReportOut], errors=(401, 404)))
def list_reports(request: ApiRequest, slug: str) -> list[ReportOut]:
    """The newest 100, newest first."""
    reports = Report.objects.filter(project=visible_project(request.auth, slug))
    return [ReportOut.of(report) for report in reports[:LISTED]]


@router.post("/projects/{slug:slug}/reports", response=answers(ReportOut, status=202, errors=WRITE_ERRORS))
def create_report(request: ApiRequest, slug: str, payload: ReportIn) -> Status[ReportOut]:
    """Have a worker write a report; ask again until `state` is `done`, then fetch its file."""
    project = visible_project(request.auth, slug)
    scope = scope_of_query(project, payload.scope)
    report = ask_for_report(project=project, user=request.auth, kind=payload.kind, grain=payload.grain, scope=scope)
    return Status(202, ReportOut.of(report))


@router.get("/reports/{int:report_id}", response=answers(ReportOut))
def read_report(request: ApiRequest, report_id: int) -> ReportOut:
    """How far it is, and once it is done its size and checksum."""
    return ReportOut.of(get_object_or_404(Report.objects.visible_to(request.auth), pk=report_id))


@router.post("/reports/{int:report_id}/cancel", response=answers(ReportOut))
def stop_report(request: ApiRequest, report_id: int) -> ReportOut:
    """Stop one that is not finished; a finished one stays as it is."""
    report = get_object_or_404(Report.objects.visible_to(request.auth), pk=report_id)
    cancel_report(report=report)
    report.refresh_from_db()
    return ReportOut.of(report)


@router.get("/reports/{int:report_id}/file", response=answers(None))
def fetch_report(request: ApiRequest, report_id: int) -> FileResponse:
    """The file, byte for byte; 404 until it is written and after it was removed."""
    done = Report.objects.visible_to(request.auth).filter(state=Report.State.DONE)
    report = get_object_or_404(done, pk=report_id)
    try:
        file = storage.fetch(storage.report_path(report.path)).open("rb")
    except FileNotFoundError as error:
        raise Http404 from error
    return FileResponse(file, content_type="application/octet-stream", filename=report.filename, as_attachment=True)
