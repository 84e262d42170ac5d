"""Who asks, and for which project: the first two questions of most views."""

from __future__ import annotations

from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from webapp.models import Project, User


def person(request: HttpRequest) -> User:
    """The signed-in user. Every page but signing in is behind sign-in, so there is one."""
    assert isinstance(request.user, User)  # noqa: S101
    return request.user


def project_of(request: HttpRequest, slug: str) -> Project:
    """The project of an address; 404 where it is none of the user's."""
    projects = Project.objects.visible_to(request.user).select_related("workspace", "live_model")
    return get_object_or_404(projects, slug=slug)
