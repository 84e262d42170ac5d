"""The database users that read the ledger, tried with connections of their own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection

from tests.cast import PASSWORD, person
from tests.inspections import Plant, build_plant
from webapp.actions.ledger_readers import create_reader, revoke_reader
from webapp.actions.people import create_workspace
from webapp.actions.refused import Refused
from webapp.models import Image, LedgerReader, User, Workspace
from webapp.models.ledger_views import VIEWS

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def alice() -> User:
    return person("alice")


@pytest.fixture
def works(alice: User) -> Iterator[Workspace]:
    workspace = create_workspace(user=alice, name="Works")
    yield workspace
    revoke_reader(user=alice, workspace=workspace)


@pytest.fixture
def plant(works: Workspace) -> Plant:
    """Two images here and one in another workspace."""
    plant = build_plant(works)
    plant.image({"scratch": [50]})
    plant.image()
    other = build_plant(Workspace.objects.create(name="Elsewhere"), "elsewhere")
    other.image({"scratch": [99]})
    other.count_up()
    return plant.count_up()


def connected(reader: LedgerReader, password: str) -> psycopg.Connection[Any]:
    named = connection.settings_dict
    return psycopg.connect(
        host=named["HOST"], dbname=named["NAME"], user=reader.role_name, password=password, autocommit=True
    )


def test_it_reads_its_workspace_and_nothing_else(plant: Plant, alice: User, works: Workspace) -> None:
    reader, password = create_reader(user=alice, workspace=works)
    with connected(reader, password) as client:
        assert client.execute("SELECT project_id FROM projects").fetchall() == [(plant.project.pk,)]
        assert client.execute("SELECT count(*), sum(pixels) FROM ledger.images").fetchone() == (2, 10_000)
        assert client.execute("SELECT area_px FROM ledger.regions WHERE label = 'scratch'").fetchall() == [(50,)]
        for view in VIEWS:
            rows = client.execute(f"SELECT DISTINCT project_id FROM ledger.{view}").fetchall()  # noqa: S608
            assert rows in ([], [(plant.project.pk,)]), view
        tables = [name for name in connection.introspection.table_names() if name not in VIEWS]
        assert "prediction" in tables
        for table in tables:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                client.execute(f'SELECT FROM public."{table}"')


def test_it_changes_nothing(plant: Plant, alice: User, works: Workspace) -> None:
    reader, password = create_reader(user=alice, workspace=works)
    with connected(reader, password) as client:
        assert client.execute("SHOW statement_timeout").fetchone() == ("1min",)
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            client.execute("CREATE TEMPORARY TABLE mine ()")
        client.execute("SET default_transaction_read_only = off")
        for attempt in (
            "INSERT INTO ledger.projects (project) VALUES ('mine')",
            "DELETE FROM ledger.sources",
            "UPDATE public.image SET reviewed_verdict = 'pass'",
            "CREATE TABLE public.mine ()",
            "CREATE VIEW ledger.mine AS SELECT 1",
            "SET ROLE pixelwise",
        ):
            with pytest.raises(psycopg.Error):
                client.execute(attempt)
    assert Image.objects.filter(reviewed_verdict=None).count() == 3


def test_a_leaky_condition_sees_no_other_row(plant: Plant, alice: User, works: Workspace) -> None:
    """Where a condition ran before the view's own, its error would tell what is in other workspaces' rows."""
    reader, password = create_reader(user=alice, workspace=works)
    with connected(reader, password) as client:
        found = client.execute("SELECT count(*) FROM ledger.regions WHERE 1 / (99 - area_px) > -1").fetchone()
        assert found == (3,)


def test_revoked_it_reads_nothing_even_in_an_open_session(plant: Plant, alice: User, works: Workspace) -> None:
    reader, password = create_reader(user=alice, workspace=works)
    with connected(reader, password) as client:
        revoke_reader(user=alice, workspace=works)
        with pytest.raises(psycopg.Error):
            client.execute("SELECT FROM ledger.images")
    with pytest.raises(psycopg.OperationalError):
        connected(reader, password)
    assert not LedgerReader.objects.exists()
    again, _ = create_reader(user=alice, workspace=works)
    assert again.role_name != reader.role_name


def test_there_is_one_for_each_workspace(alice: User, works: Workspace) -> None:
    create_reader(user=alice, workspace=works)
    with pytest.raises(Refused, match="Revoke it"):
        create_reader(user=alice, workspace=works)


def test_only_administrators_make_and_revoke_one(works: Workspace) -> None:
    stranger = User.objects.create_user("mallory@example.com", PASSWORD)
    with pytest.raises(PermissionDenied):
        create_reader(user=stranger, workspace=works)
    with pytest.raises(PermissionDenied):
        revoke_reader(user=stranger, workspace=works)


def test_a_database_user_without_the_right_is_told(alice: User, works: Workspace) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DO $$ BEGIN CREATE ROLE plain_member; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
        cursor.execute("GRANT SELECT, UPDATE ON ALL TABLES IN SCHEMA public TO plain_member")
        cursor.execute("SET ROLE plain_member")
        try:
            with pytest.raises(Refused, match="CREATEROLE"):
                create_reader(user=alice, workspace=works)
        finally:
            cursor.execute("RESET ROLE")
            cursor.execute("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM plain_member")
