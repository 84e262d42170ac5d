"""What a data folder or a database needs before anybody can sign in."""

from __future__ import annotations

from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, connections

from webapp.actions.people import ensure_first_admin
from webapp.pipeline.rollup_zone import match_zone
from webapp.services.start_error import StartError


def make_ready() -> str:
    """Bring tables and roll-ups up to date and make the first administrator.

    Returns how to sign in, in words; with the password where it was made up here, which is never shown again.
    """
    try:
        call_command("migrate", interactive=False, verbosity=0)
    except DatabaseError as error:
        if settings.DATABASE_URL:
            raise StartError(f"The database of DATABASE_URL does not work ({error}): check it.") from error
        raise
    match_zone()
    user, password = ensure_first_admin(
        email=settings.PIXELWISE_ADMIN_EMAIL or None, password=settings.PIXELWISE_ADMIN_PASSWORD or None
    )
    connections.close_all()
    return f"{user.email} with the password {password} (shown only this once)" if password else user.email
