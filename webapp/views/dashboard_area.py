"""The dashboard's area page: how much each label covers."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from analytics.tabs.area import area_page
from webapp.views.dashboard_tabs import show_tab


@require_safe
def show(request: HttpRequest, slug: str) -> HttpResponse:
    return show_tab(request, slug, "area", "dashboard/area.html", area_page)
