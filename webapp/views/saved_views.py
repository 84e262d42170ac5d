"""Saved views: the menu of them, keeping the page one looks at, forgetting one."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.contrib import messages
from django.db import connection
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.urls import NoReverseMatch, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from analytics import ScopeError, read_scope
from webapp.actions.refused import Refused
from webapp.actions.saved_views import delete_view, save_view
from webapp.models import Project, SavedView, User
from webapp.views.asking import person, project_of
from webapp.views.dashboard_pages import PAGES

_MOST_LISTED = 200


@dataclass(frozen=True)
class ViewLink:
    """One line of the menu. `owner` is empty for the reader's own views."""

    id: int
    name: str
    page: str
    href: str
    owner: str
    is_shared: bool


def saved_views(project: Project, user: User) -> list[ViewLink]:
    """The reader's own views of a project, then those that others share with it."""
    rows = _of(project, user).select_related("user").order_by("name", "id")[:_MOST_LISTED]
    links = [_link(project, user, row) for row in rows if row.page in PAGES]
    return sorted(links, key=lambda link: link.owner != "")


@require_POST
def save(request: HttpRequest, slug: str) -> HttpResponse:
    project = project_of(request, slug)
    page, query = request.POST.get("page", ""), request.POST.get("query", "").lstrip("?")
    try:
        _check(project, page, query)
        view = save_view(
            project=project,
            user=person(request),
            name=request.POST.get("name", ""),
            page=page,
            query=query,
            is_shared=bool(request.POST.get("is_shared")),
        )
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        who = "everybody in this project" if view.is_shared else "you"
        messages.success(request, f"“{view.name}” is saved; the menu “Views” has it for {who}.")
    return redirect(_address(project, page, query))


def _check(project: Project, page: str, query: str) -> None:
    """Refuse what no page of the dashboard could have asked to keep."""
    if page not in PAGES:
        raise Refused(f"Expected a page of the dashboard, got “{page[:40]}”. Open one and save it from there.")
    try:
        with connection.cursor() as cursor:
            read_scope(cursor, QueryDict(query), project_id=project.pk, time_zone=settings.TIME_ZONE)
    except ScopeError as error:
        raise Refused(f"These filters cannot be used, so they are not kept. {error}") from None


@require_POST
def delete(request: HttpRequest, slug: str, view_id: int) -> HttpResponse:
    project = project_of(request, slug)
    view = get_object_or_404(_of(project, person(request)), pk=view_id)
    try:
        delete_view(view=view, user=person(request))
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, f"The view “{view.name}” is deleted.")
    back = request.POST.get("back", "")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts=None):
        back = reverse("dashboard", args=[project.slug])
    return redirect(back)


def _of(project: Project, user: User) -> QuerySet[SavedView]:
    return project.saved_views.filter(Q(user=user) | Q(is_shared=True))


def _link(project: Project, user: User, row: SavedView) -> ViewLink:
    is_own = row.user_id == user.pk
    return ViewLink(
        id=row.pk,
        name=row.name,
        page=PAGES[row.page],
        href=_address(project, row.page, row.query),
        owner="" if is_own else str(row.user),
        is_shared=row.is_shared,
    )


def _address(project: Project, page: str, query: str) -> str:
    try:
        address = reverse(page, args=[project.slug])
    except NoReverseMatch:
        address = reverse("dashboard", args=[project.slug])
    return f"{address}?{query}" if query else address
