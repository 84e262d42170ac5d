"""How a program reads the ledger: the workspace's database user, and the steps to connect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from webapp.actions.ledger_readers import STATEMENT_SECONDS, create_reader, may_create_roles, revoke_reader
from webapp.actions.people import require_admin
from webapp.actions.refused import Refused
from webapp.models import LedgerReader, Workspace
from webapp.views.asking import person

_PORT = 5432


@dataclass(frozen=True)
class Server:
    """Where clients find the database."""

    host: str
    port: int
    database: str
    is_embedded: bool


@require_safe
def show(request: HttpRequest, workspace_id: int) -> HttpResponse:
    return _page(request, _workspace(request, workspace_id))


@require_POST
def create(request: HttpRequest, workspace_id: int) -> HttpResponse:
    workspace = _workspace(request, workspace_id)
    try:
        _, password = create_reader(user=person(request), workspace=workspace)
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect("ledger", workspace.pk)
    return _page(request, workspace, password=password)


@require_POST
def revoke(request: HttpRequest, workspace_id: int) -> HttpResponse:
    workspace = _workspace(request, workspace_id)
    revoke_reader(user=person(request), workspace=workspace)
    messages.success(request, "The database user is gone. Programs that used it read nothing any more.")
    return redirect("ledger", workspace.pk)


def _workspace(request: HttpRequest, workspace_id: int) -> Workspace:
    """The workspace, for its administrators: 404 for outsiders, 403 for members."""
    workspace = get_object_or_404(Workspace.objects.visible_to(request.user), pk=workspace_id)
    require_admin(person(request), workspace)
    return workspace


def _page(request: HttpRequest, workspace: Workspace, **extra: Any) -> HttpResponse:
    context = {
        "nav": "people",
        "workspace": workspace,
        "reader": LedgerReader.objects.filter(workspace=workspace).select_related("created_by").first(),
        "server": _server(),
        "may_create": may_create_roles(),
        "own_role": connection.settings_dict["USER"],
        "seconds": STATEMENT_SECONDS,
        "projects": workspace.projects.order_by("name"),
    }
    response = render(request, "people/ledger.html", context | extra)
    response["Cache-Control"] = "no-store"
    return response


def _server() -> Server | None:
    """None where the embedded database listens to no port."""
    named = connection.settings_dict
    if settings.DATABASE_URL:
        return Server(named["HOST"] or "localhost", int(named["PORT"] or _PORT), named["NAME"], is_embedded=False)
    if not settings.PIXELWISE_LEDGER_PORT:
        return None
    return Server("127.0.0.1", settings.PIXELWISE_LEDGER_PORT, named["NAME"], is_embedded=True)
