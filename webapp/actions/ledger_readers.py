"""Who reads the ledger with a database client: one read-only role of the database per workspace."""

from __future__ import annotations

import secrets

from django.db import connection, transaction
from psycopg import sql

from webapp.actions.people import require_admin
from webapp.actions.refused import Refused
from webapp.models import LedgerReader, User, Workspace
from webapp.models.ledger_views import VIEWS

STATEMENT_SECONDS = 60
CONNECTIONS_COUNT = 10

_VIEWS = sql.SQL(", ").join(sql.Identifier("ledger", name) for name in VIEWS)
_LIMITS = {
    "default_transaction_read_only": "on",
    "statement_timeout": f"{STATEMENT_SECONDS}s",
    "idle_in_transaction_session_timeout": f"{STATEMENT_SECONDS}s",
    "search_path": "ledger",
}


def may_create_roles() -> bool:
    """Whether the application's own database user may make others."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user")
        return bool(cursor.fetchone()[0])


@transaction.atomic
def create_reader(*, user: User, workspace: Workspace) -> tuple[LedgerReader, str]:
    """A role that may read the ledger's views, and its password, which is kept nowhere: it can be shown only now.

    Refused where the workspace has one, and where the application's database user may not make roles.
    """
    require_admin(user, workspace)
    Workspace.objects.select_for_update().get(pk=workspace.pk)
    if LedgerReader.objects.filter(workspace=workspace).exists():
        raise Refused("The workspace has a database user already. Revoke it to make one with a new password.")
    if not may_create_roles():
        raise Refused(
            f"The database user {connection.settings_dict['USER']!r} may not make others. Let the administrator of "
            f'the database server run: ALTER ROLE "{connection.settings_dict["USER"]}" CREATEROLE'
        )
    role, password = f"ledger_{workspace.pk}_{secrets.token_hex(4)}", secrets.token_urlsafe(24)
    name = sql.Identifier(role)
    _run(
        sql.SQL("CREATE ROLE {} LOGIN NOINHERIT CONNECTION LIMIT {} PASSWORD {}").format(
            name, sql.Literal(CONNECTIONS_COUNT), sql.Literal(_verifier(role, password))
        ),
        *(
            sql.SQL("ALTER ROLE {} SET {} TO {}").format(name, sql.Identifier(setting), sql.Literal(value))
            for setting, value in _LIMITS.items()
        ),
        sql.SQL("GRANT USAGE ON SCHEMA ledger TO {}").format(name),
        sql.SQL("GRANT SELECT ON {} TO {}").format(_VIEWS, name),
    )
    return LedgerReader.objects.create(workspace=workspace, role_name=role, created_by=user), password


@transaction.atomic
def revoke_reader(*, user: User, workspace: Workspace) -> None:
    """From now on the role reads nothing, not even in sessions that are open. Does nothing where there is none."""
    require_admin(user, workspace)
    reader = LedgerReader.objects.select_for_update().filter(workspace=workspace).first()
    if reader is None:
        return
    if _exists(reader.role_name):
        name = sql.Identifier(reader.role_name)
        _run(
            sql.SQL("REVOKE ALL ON {} FROM {}").format(_VIEWS, name),
            sql.SQL("REVOKE ALL ON SCHEMA ledger FROM {}").format(name),
            sql.SQL("DROP ROLE {}").format(name),
        )
    reader.delete()


def _verifier(role: str, password: str) -> str:
    """What the server keeps of the password, made here: the password itself reaches no log and no statistics."""
    connection.ensure_connection()
    raw = connection.connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256")
    return bytes(raw).decode()


def _exists(role: str) -> bool:
    """False after the database was restored on another server, where roles do not come along."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = %s)", [role])
        return bool(cursor.fetchone()[0])


def _run(*statements: sql.Composable) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement.as_string(None))
