"""The first administrator, and what no request can reach."""

from __future__ import annotations

import pytest

from webapp.actions.people import create_workspace, ensure_first_admin
from webapp.actions.refused import Refused
from webapp.models import Membership, User, Workspace


@pytest.mark.django_db
def test_first_administrator_gets_a_workspace_and_a_password_once() -> None:
    user, password = ensure_first_admin(email=None, password=None)
    assert password is not None
    assert user.check_password(password)
    assert Membership.objects.get(user=user).role == "admin"
    assert Workspace.objects.get().name == "My workspace"
    assert ensure_first_admin(email="other@example.com", password="other-password-1") == (user, None)
    assert User.objects.count() == 1


@pytest.mark.django_db
def test_first_administrator_as_the_environment_names_them() -> None:
    user, password = ensure_first_admin(email=" Boss@Example.com ", password="given-password-1")
    assert password is None
    assert user.email == "boss@example.com"
    assert user.check_password("given-password-1")


def test_nobody_is_made_where_somebody_is(alice: User) -> None:
    assert ensure_first_admin(email=None, password=None) == (alice, None)


@pytest.mark.parametrize("name", ["", "  ", "x" * 101])
def test_workspace_needs_a_name(alice: User, name: str) -> None:
    with pytest.raises(Refused, match="1 to 100 characters") as refused:
        create_workspace(user=alice, name=name)
    assert refused.value.field == "name"
