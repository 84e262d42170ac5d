"""People and workspaces: the first administrator, roles, who leaves."""

from __future__ import annotations

import secrets

from django.core.exceptions import PermissionDenied
from django.db import connection, transaction

from webapp.actions.refused import Refused
from webapp.actions.reports import switch_off_schedules
from webapp.models import Invitation, Membership, User, Workspace

FIRST_WORKSPACE = "My workspace"
FIRST_EMAIL = "admin@pixelwise.local"
_FIRST_ADMIN_LOCK = 7_496_353


@transaction.atomic
def ensure_first_admin(*, email: str | None, password: str | None) -> tuple[User, str | None]:
    """Make the first administrator and a workspace where nobody is there yet.

    Returns the oldest user, and the password where it was made up here, to be shown once.
    Two processes that start together make one administrator.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_FIRST_ADMIN_LOCK])
    if oldest := User.objects.order_by("pk").first():
        return oldest, None
    generated = None if password else secrets.token_urlsafe(12)
    user = User.objects.create_superuser(email or FIRST_EMAIL, password or generated, name="Administrator")
    create_workspace(user=user, name=FIRST_WORKSPACE)
    return user, generated


@transaction.atomic
def create_workspace(*, user: User, name: str) -> Workspace:
    """A new workspace with `user` as its administrator. Refused without a name."""
    workspace = Workspace.objects.create(name=_workspace_name(name))
    Membership.objects.create(workspace=workspace, user=user, role=Membership.Role.ADMIN)
    return workspace


def rename_workspace(*, user: User, workspace: Workspace, name: str) -> None:
    require_admin(user, workspace)
    workspace.name = _workspace_name(name)
    workspace.save(update_fields=["name"])


@transaction.atomic
def change_role(*, user: User, membership: Membership, role: str) -> None:
    """Make a member an administrator or back. Refused for the last administrator."""
    require_admin(user, membership.workspace)
    if role not in Membership.Role.values:
        raise Refused(f"A role is one of {', '.join(Membership.Role.values)}, got {role!r}.", field="role")
    if role != Membership.Role.ADMIN:
        _keep_an_admin(membership)
    Membership.objects.filter(pk=membership.pk).update(role=role)


@transaction.atomic
def remove_member(*, user: User, membership: Membership) -> None:
    """Take a person out of a workspace, and the invitations they sent; reports they had sent stop. Anyone may leave.

    Refused for the last administrator.
    """
    if membership.user_id != user.pk:
        require_admin(user, membership.workspace)
    _keep_an_admin(membership)
    Invitation.objects.filter(
        workspace=membership.workspace_id, invited_by=membership.user_id, accepted_at__isnull=True
    ).delete()
    membership.delete()
    switch_off_schedules(user=membership.user, workspace=membership.workspace)


def rename_user(*, user: User, name: str) -> None:
    user.name = name.strip()[:150]
    user.save(update_fields=["name"])


def is_admin(user: User, workspace: Workspace) -> bool:
    return Workspace.objects.administered_by(user).filter(pk=workspace.pk).exists()


def require_admin(user: User, workspace: Workspace) -> None:
    """PermissionDenied unless `user` administers the workspace."""
    if not is_admin(user, workspace):
        raise PermissionDenied(f"Only an administrator of {workspace} can do this. Ask one of them.")


def _keep_an_admin(membership: Membership) -> None:
    """Refused where the workspace would have no administrator left. Locks its administrators."""
    admins = Membership.objects.select_for_update().filter(
        workspace=membership.workspace_id, role=Membership.Role.ADMIN
    )
    if {admin.pk for admin in admins} == {membership.pk}:
        raise Refused(
            f"{membership.user} is the only administrator of {membership.workspace}. "
            "Make somebody else an administrator first."
        )


def _workspace_name(name: str) -> str:
    name = name.strip()
    if not 1 <= len(name) <= 100:
        raise Refused(f"A workspace name has 1 to 100 characters, this one has {len(name)}.", field="name")
    return name
