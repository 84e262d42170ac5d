"""What the frame around every page needs: the projects of the switcher, asked for only where it is shown."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from webapp.models import Notification, Project

SWITCHER_LENGTH = 30


def frame(request: HttpRequest) -> dict[str, Any]:
    """Template context of every page. `nav_projects`: the projects the user may open, by name; `unread_count`: how many
    notifications the user has not read."""
    user = getattr(request, "user", None)
    if user is None:
        return {}
    projects = Project.objects.visible_to(user).only("name", "slug").order_by("name")
    unread = Notification.objects.visible_to(user).filter(read_at=None)
    return {
        "nav_projects": SimpleLazyObject(lambda: list(projects[:SWITCHER_LENGTH])),
        "unread_count": SimpleLazyObject(lambda: unread.count()),
    }
