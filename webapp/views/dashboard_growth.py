"""The growth page: how fast a defect grows on each asset, and when it crosses a limit that the address gives."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from analytics.scope import ScopeError
from analytics.tabs.growth import Limit, growth_page, read_limit
from webapp.views.dashboard_frame import frame
from webapp.views.dashboard_tabs import shown

_TEMPLATE = "dashboard/growth.html"


@require_safe
def show(request: HttpRequest, slug: str) -> HttpResponse:
    page = frame(request, slug, "dashboard-growth")
    typed = request.GET.get("limit", "").strip()
    limit, error = _limit(typed)
    question: dict[str, Any] = {
        "limit": typed,
        "limit_error": error,
        "given": sorted(page.scope.parameters().items()) if page.scope else (),
    }
    if typed and not error:
        form = page.context["form"]
        page.context["form"] = replace(form, hidden=(*form.hidden, ("limit", typed)))
    response = shown(request, page, _TEMPLATE, partial(growth_page, limit=limit), **question)
    if error:
        response.status_code = 400
    return response


def _limit(typed: str) -> tuple[Limit | None, str]:
    try:
        return read_limit(typed), ""
    except ScopeError as error:
        return None, error.fields["limit"]
