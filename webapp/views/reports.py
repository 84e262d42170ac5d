"""CSV downloads of a scope."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.views.decorators.http import require_safe

from analytics import GRAINS, Grain, Scope, ScopeError, read_scope, report, report_filename
from webapp.views.asking import project_of


@require_safe
def download(request: HttpRequest, slug: str, grain: str) -> HttpResponseBase:
    """The scope's CSV. An address that names no scope leads to the dashboard, which says what is wrong."""
    project = project_of(request, slug)
    known = next((known for known in GRAINS if known == grain), None)
    if known is None:
        raise Http404(f"no CSV of {grain}; there are {', '.join(GRAINS)}")
    with connection.cursor() as cursor:
        try:
            scope = read_scope(cursor, request.GET, project_id=project.pk, time_zone=settings.TIME_ZONE)
        except ScopeError:
            return _to_dashboard(request, slug)
    response = StreamingHttpResponse(_chunks(scope, known), content_type="text/csv; charset=utf-8")
    name = report_filename(project.slug, known, scope)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "no-store"
    return response


def _to_dashboard(request: HttpRequest, slug: str) -> HttpResponse:
    return HttpResponseRedirect(f"{reverse('dashboard', args=[slug])}?{request.GET.urlencode()}")


def _chunks(scope: Scope, grain: Grain) -> Iterator[bytes]:
    with connection.cursor() as cursor:
        yield from report(cursor, scope, grain, byte_order_mark=True)
