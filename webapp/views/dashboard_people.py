"""The page of people and models: who judged what, versions side by side, and what was changed when."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from analytics.tabs.people import people_page
from webapp.views.dashboard_tabs import show_tab


@require_safe
def show(request: HttpRequest, slug: str) -> HttpResponse:
    return show_tab(request, slug, "people", "dashboard/people.html", people_page)
