"""Projects: list, show, create."""

from __future__ import annotations

from django.shortcuts import get_object_or_404
from ninja import Router, Status

from webapp.actions.projects import LabelInput
from webapp.actions.projects import create_project as create
from webapp.api.auth import ApiRequest
from webapp.api.errors import ApiError, invalid
from webapp.api.schemas.errors import READ_ERRORS, answers
from webapp.api.schemas.projects import ProjectIn, ProjectOut
from webapp.models import Project, User, Workspace
from webapp.models.projects import ProjectQuerySet

router = Router()


@router.get("/projects", response=answers(list[ProjectOut], errors=(401,)))
def list_projects(request: ApiRequest) -> list[ProjectOut]:
    """The projects of your workspaces, by name."""
    return [ProjectOut.of(project) for project in _whole(request.auth).order_by("name", "pk")]


@router.post("/projects", response=answers(ProjectOut, status=201, errors=(400, 401, 403, 422)))
def create_project(request: ApiRequest, payload: ProjectIn) -> Status[ProjectOut]:
    """A new project. Its slug is made from the name."""
    labels = None
    if payload.labels is not None:
        labels = [
            LabelInput(row.name, row.color, row.is_defect, row.severity, row.cost, row.is_person)
            for row in payload.labels
        ]
    project = create(
        user=request.auth,
        workspace=_workspace(request.auth, payload.workspace),
        name=payload.name,
        template=payload.template,
        labels=labels,
        description=payload.description,
        currency=payload.currency,
    )
    return Status(201, ProjectOut.of(_whole(request.auth).get(pk=project.pk)))


@router.get("/projects/{slug:slug}", response=answers(ProjectOut, errors=READ_ERRORS))
def show_project(request: ApiRequest, slug: str) -> ProjectOut:
    return ProjectOut.of(get_object_or_404(_whole(request.auth), slug=slug))


def visible_project(user: User, slug: str) -> Project:
    """Http404 for a project that is not there and for one that `user` may not see."""
    return get_object_or_404(Project.objects.visible_to(user).select_related("live_model"), slug=slug)


def _whole(user: User) -> ProjectQuerySet:
    return Project.objects.visible_to(user).select_related("workspace", "live_model").prefetch_related("labels")


def _workspace(user: User, workspace_id: int | None) -> Workspace:
    own = Workspace.objects.visible_to(user).order_by("pk")
    if workspace_id is None:
        first = own.first()
        if first is None:
            raise ApiError(403, "You are a member of no workspace. Ask an administrator for an invitation.")
        return first
    chosen = own.filter(pk=workspace_id).first()
    if chosen is None:
        known = ", ".join(f"{row.pk} ({row.name})" for row in own) or "none"
        raise invalid("workspace", f"You are a member of no workspace {workspace_id}. Yours: {known}.")
    return chosen
