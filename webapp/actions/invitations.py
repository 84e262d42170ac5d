"""Invitations: a link that makes its bearer a member, once."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.utils import timezone

from webapp.actions.people import require_admin
from webapp.actions.refused import Refused
from webapp.models import Invitation, Membership, User, Workspace
from webapp.models.people import hash_secret, new_secret


def invite(*, user: User, workspace: Workspace, role: str, email: str = "") -> tuple[Invitation, str]:
    """A new invitation and its secret, which is kept nowhere. `email` is a note of whom it is for."""
    require_admin(user, workspace)
    if role not in Membership.Role.values:
        raise Refused(f"A role is one of {', '.join(Membership.Role.values)}, got {role!r}.", field="role")
    secret = new_secret()
    invitation = Invitation.objects.create(
        workspace=workspace, invited_by=user, role=role, email=email.strip(), secret_hash=hash_secret(secret)
    )
    return invitation, secret


def revoke_invitation(*, user: User, invitation: Invitation) -> None:
    require_admin(user, invitation.workspace)
    invitation.delete()


def open_invitation(secret: str) -> Invitation | None:
    """The invitation of a link, or None where it never was, is used up, withdrawn or too old."""
    found = Invitation.objects.select_related("workspace", "invited_by").filter(secret_hash=hash_secret(secret))
    invitation = found.first()
    return invitation if invitation is not None and invitation.is_open else None


@transaction.atomic
def accept_invitation(*, user: User, secret: str) -> Workspace:
    """Make `user` a member and use the invitation up. Refused where it is not open any more.

    Who is a member already stays what they are and leaves the invitation open for its real bearer.
    """
    found = Invitation.objects.select_for_update(of=("self",)).select_related("workspace")
    invitation = found.filter(secret_hash=hash_secret(secret)).first()
    if invitation is None or not invitation.is_open:
        raise Refused("This invitation is not valid any more. Ask for a new link.")
    _, is_new = Membership.objects.get_or_create(
        workspace=invitation.workspace, user=user, defaults={"role": invitation.role}
    )
    if is_new:
        invitation.accepted_by, invitation.accepted_at = user, timezone.now()
        invitation.save(update_fields=["accepted_by", "accepted_at"])
    return invitation.workspace


@transaction.atomic
def sign_up(*, secret: str, email: str, name: str, password: str) -> User:
    """A new user who joins by an invitation. Refused where the e-mail address has an account already."""
    try:
        with transaction.atomic():
            user = User.objects.create_user(email, password, name=name.strip())
    except IntegrityError as error:
        raise Refused(
            "There is an account with this e-mail address already. Sign in, then open the link again.",
            field="email",
        ) from error
    accept_invitation(user=user, secret=secret)
    return user
