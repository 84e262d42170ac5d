"""The page that connects a program to the ledger."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tests.cast import signed_in
from webapp.models import LedgerReader, User, Workspace


@pytest.fixture
def client(alice: User) -> Client:
    return signed_in(alice)


def page(client: Client, acme: Workspace) -> str:
    return client.get(reverse("ledger", args=[acme.pk])).content.decode()


def test_without_a_port_it_says_what_to_set(client: Client, acme: Workspace) -> None:
    assert "PIXELWISE_LEDGER_PORT=5433" in page(client, acme)


def test_it_says_where_to_connect(client: Client, acme: Workspace, settings: Any) -> None:
    settings.PIXELWISE_LEDGER_PORT = 5999
    shown = page(client, acme)
    assert "<code>127.0.0.1</code>" in shown
    assert "<code>5999</code>" in shown
    assert "PIXELWISE_LEDGER_PORT" not in shown


def test_the_password_is_shown_once(client: Client, acme: Workspace) -> None:
    made = client.post(reverse("ledger-new", args=[acme.pk]))
    reader = LedgerReader.objects.get(workspace=acme)
    assert reader.role_name in made.content.decode()
    assert "cannot be shown again" in made.content.decode()
    assert made["Cache-Control"] == "no-store"
    assert "cannot be shown again" not in page(client, acme)
    again = client.post(reverse("ledger-new", args=[acme.pk]), follow=True)
    assert "has a database user already" in again.content.decode()
    gone = client.post(reverse("ledger-revoke", args=[acme.pk]), follow=True)
    assert "The database user is gone" in gone.content.decode()
    assert not LedgerReader.objects.exists()


def test_members_may_not(bob: User, acme: Workspace) -> None:
    for name in ("ledger", "ledger-new", "ledger-revoke"):
        client = signed_in(bob)
        asked = client.get if name == "ledger" else client.post
        assert asked(reverse(name, args=[acme.pk])).status_code == 403
