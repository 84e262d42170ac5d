"""The page of reports: ask for one, follow it, fetch it."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.db import connection
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_POST, require_safe

from analytics import GRAINS, Choices, Scope, ScopeError, build_dashboard, choices
from analytics.report_facts import expected_rows
from webapp import storage
from webapp.actions.refused import Refused
from webapp.actions.reports import WITH_GRAIN, ask_for_report, cancel_report, remove_report, scope_of_query
from webapp.forms.reports import RecipientsForm, ScheduleForm
from webapp.models import Project, Report, ReportKind, ReportSchedule
from webapp.views.asking import person, project_of
from webapp.views.files import safe_name
from webapp.views.polling import next_pause
from webapp.views.scope_form import scope_form

SHOWN = 50
STREAMED_ROWS = 100_000
"""A CSV of up to so many rows is sent at once, without a worker."""

SCOPE_NAMES = ("from", "to", "hour", "source", "label", "model", "batch")
KIND_WORDS = {
    ReportKind.XLSX: "one workbook: about, the rows, and what each column means",
    ReportKind.CSV: "plain text for every program; small ones come at once",
    ReportKind.PDF: "to print and to hand on: figures, charts, the worst images",
    ReportKind.EVIDENCE: "ZIP with PDF, Excel, images, model cards, rules and checksums",
    ReportKind.PARQUET: "for analysts: typed columns, for Python, R or DuckDB",
}
GRAIN_WORDS = {
    "images": "one row per image",
    "labels": "one row per image and label",
    "regions": "one row per region found",
    "daily": "one row per day and source",
}
_OPEN = (Report.State.WAITING, Report.State.RUNNING)


@require_safe
def show(request: HttpRequest, slug: str) -> HttpResponse:
    return page(request, project_of(request, slug))


def page(
    request: HttpRequest,
    project: Project,
    *,
    schedule: ScheduleForm | None = None,
    refused: Refused | None = None,
    status: int = 200,
) -> HttpResponse:
    """The page with its two forms, which keep what was wrong in them. A scope that is none is said at its fields."""
    given = request.POST if request.method == "POST" else request.GET
    chosen = _chosen(given, project)
    form = scope_form(given, chosen.offered, chosen.scope, chosen.errors, timezone.localdate())
    context = _list(request, project) | {
        "form": form,
        "scope_fields": [field for field in form.fields if field.name in SCOPE_NAMES],
        "scope_errors": chosen.errors,
        "inspected": chosen.inspected_count,
        "kinds": [(kind, kind.label, KIND_WORDS[kind]) for kind in KIND_WORDS],
        "kind": given.get("kind") or ReportKind.XLSX,
        "with_grain": [str(kind) for kind in WITH_GRAIN],
        "grains": list(GRAIN_WORDS.items()),
        "grain": given.get("grain") or "images",
        "refused": refused,
        "schedule_form": schedule or ScheduleForm(project, auto_id="schedule-%s"),
        "schedules": _schedules(project),
    }
    return render(request, "reports/show.html", context, status=400 if chosen.errors else status)


@require_safe
def matching(request: HttpRequest, slug: str) -> HttpResponse:
    """How many images a report would count, while a person chooses them."""
    project = project_of(request, slug)
    chosen = _chosen(request.GET, project)
    context = {"project": project, "scope_errors": chosen.errors, "inspected": chosen.inspected_count}
    return render(request, "reports/_matching.html", context)


@require_safe
def status(request: HttpRequest, slug: str) -> HttpResponse:
    """The list of reports, which follows the workers."""
    return render(request, "reports/_list.html", _list(request, project_of(request, slug)))


@require_POST
def ask(request: HttpRequest, slug: str) -> HttpResponse:
    """A small CSV at once; all else is written by a worker."""
    project = project_of(request, slug)
    kind, grain = request.POST.get("kind", ""), request.POST.get("grain", "")
    try:
        scope = scope_of_query(project, {name: request.POST.get(name, "") for name in SCOPE_NAMES})
        if kind == ReportKind.CSV and grain in GRAINS and _row_count(scope, grain) <= STREAMED_ROWS:
            return redirect(f"{reverse('report', args=[slug, grain])}?{scope.query(bucket='auto')}")
        ask_for_report(project=project, user=person(request), kind=kind, grain=grain, scope=scope)
    except Refused as refused:
        return page(request, project, refused=refused, status=422)
    messages.success(request, "A worker writes it now. You may leave this page: the bell says when it is ready.")
    return redirect(f"{reverse('reports', args=[slug])}?{urlencode(scope.parameters())}#reports")


@require_POST
def cancel(request: HttpRequest, slug: str, report_id: int) -> HttpResponse:
    cancel_report(report=report_of(project_of(request, slug), report_id))
    return redirect(f"{reverse('reports', args=[slug])}#reports")


@require_POST
def remove(request: HttpRequest, slug: str, report_id: int) -> HttpResponse:
    remove_report(report=report_of(project_of(request, slug), report_id))
    return redirect(f"{reverse('reports', args=[slug])}#reports")


@require_safe
def download(request: HttpRequest, slug: str, report_id: int) -> HttpResponseBase:
    return file_response(report_of(project_of(request, slug), report_id))


def file_response(report: Report) -> FileResponse:
    """The file, to be saved and never shown by the browser; 404 where it is not written or was removed."""
    if report.state != Report.State.DONE:
        raise Http404("This report is not written.")
    try:
        file = storage.fetch(storage.report_path(report.path)).open("rb")
    except FileNotFoundError as error:
        raise Http404("The file of this report was removed. Ask for it again.") from error
    response = FileResponse(
        file, content_type="application/octet-stream", filename=safe_name(report.filename), as_attachment=True
    )
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Repr-Digest"] = f"sha-256=:{b64encode(bytes.fromhex(report.sha256)).decode()}:"
    patch_cache_control(response, private=True, no_cache=True)
    return response


def report_of(project: Project, report_id: int) -> Report:
    """404 where the project has no such report."""
    return get_object_or_404(Report.objects.filter(project=project), pk=report_id)


@dataclass(frozen=True)
class _Chosen:
    """The images that the fields name; `scope` is None where they name none, and `errors` says why, per field."""

    offered: Choices
    scope: Scope | None
    errors: dict[str, str]
    inspected_count: int


def _chosen(given: QueryDict, project: Project) -> _Chosen:
    with connection.cursor() as cursor:
        offered = choices(cursor, project.pk, batch=given.get("batch", "").strip())
        try:
            scope = Scope.from_query(given, project_id=project.pk, choices=offered, time_zone=settings.TIME_ZONE)
        except ScopeError as error:
            return _Chosen(offered, None, error.fields, 0)
        return _Chosen(offered, scope, {}, build_dashboard(cursor, scope).summary.inspected_count)


def _schedules(project: Project) -> list[tuple[ReportSchedule, RecipientsForm]]:
    """Each with the form that changes whom it is sent to."""
    return [
        (one, RecipientsForm(project, initial={"recipients": one.recipients.all()}, auto_id=f"to-{one.pk}-%s"))
        for one in project.report_schedules.prefetch_related("recipients").select_related("user")
    ]


def _list(request: HttpRequest, project: Project) -> dict[str, Any]:
    reports = list(Report.objects.filter(project=project).select_related("user", "schedule")[:SHOWN])
    seen = " ".join(f"{one.pk}:{one.state}:{one.progress_fraction:.2f}:{one.mail_state}" for one in reports)
    is_going_on = any(one.state in _OPEN or one.mail_state == Report.MailState.WAITING for one in reports)
    return {
        "project": project,
        "tab": "reports",
        "reports": reports,
        "kept_days": settings.PIXELWISE_REPORT_DAYS,
        "seen": seen,
        "pause": next_pause(request, seen) if is_going_on else 0,
    }


def _row_count(scope: Scope, grain: str) -> int:
    with connection.cursor() as cursor:
        dashboard = build_dashboard(cursor, scope)
    return expected_rows(dashboard, next(known for known in GRAINS if known == grain))
