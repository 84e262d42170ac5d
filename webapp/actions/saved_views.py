"""Saved views: a page of the dashboard and its scope under a name."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from webapp.actions.refused import Refused
from webapp.models import Project, SavedView, User

NAME_LENGTH = 80
QUERY_LENGTH = 1000
MOST_VIEWS = 100


def save_view(*, project: Project, user: User, name: str, page: str, query: str, is_shared: bool = False) -> SavedView:
    """Keep `page` (the name of its address) with its query string under a name of `user`'s own choice.

    `is_shared`: everybody of the project sees it. Refused without a name, with one that is taken or too long.
    """
    name = " ".join(name.split())
    if not name:
        raise Refused("Give the view a name, for instance “Line 1, last week”.")
    if len(name) > NAME_LENGTH:
        raise Refused(f"Expected a name of at most {NAME_LENGTH} characters, got {len(name)}.")
    if len(query) > QUERY_LENGTH:
        raise Refused("These filters are too long to be kept. Clear some of them and save again.")
    if SavedView.objects.filter(project=project, user=user).count() >= MOST_VIEWS:
        raise Refused(f"You have {MOST_VIEWS} views in this project. Delete one of them first.")
    try:
        with transaction.atomic():
            return SavedView.objects.create(
                project=project, user=user, name=name, page=page, query=query, is_shared=is_shared
            )
    except IntegrityError:
        raise Refused(f"You already have a view called “{name}”. Choose another name, or delete that one.") from None


def delete_view(*, view: SavedView, user: User) -> None:
    """Forget a view. Refused for the views of others."""
    if view.user_id != user.pk:
        raise Refused(f"“{view.name}” was saved by {view.user}; only they can delete it.")
    view.delete()
