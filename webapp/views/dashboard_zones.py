"""The dashboard's page of zones."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from analytics.tabs.zones import zones_page
from webapp.views.dashboard_tabs import show_tab


@require_safe
def show(request: HttpRequest, slug: str) -> HttpResponse:
    return show_tab(request, slug, "zones", "dashboard/zones.html", zones_page)
