"""Members, roles and invitation links."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tests.cast import PASSWORD, signed_in
from webapp.actions.invitations import invite
from webapp.actions.people import create_workspace
from webapp.models import Invitation, Membership, Project, User, Workspace

NEWCOMER = {"name": "Dana", "email": "dana@example.com", "password": "staple-orbit-9"}


def text(answer: Any) -> str:
    return str(answer.content.decode())


def make_link(client: Client, workspace: Workspace, **fields: str) -> str:
    """The path of an invitation link, as the page shows it."""
    answer = client.post(f"/people/{workspace.pk}/invitations", {"role": "member", **fields})
    found = re.search(r"http://testserver(/join/[\w-]+)", text(answer))
    assert found is not None
    return found.group(1)


def test_members_see_each_other(alice: User, bob: User) -> None:
    page = text(signed_in(bob).get("/people"))
    assert "alice@example.com" in page
    assert "bob@example.com" in page
    assert "Invite somebody" not in page
    assert "Invite somebody" in text(signed_in(alice).get("/people"))


def test_link_brings_a_newcomer_in_once(alice: User, acme: Workspace, project: Project) -> None:
    link = make_link(signed_in(alice), acme, email="dana@example.com")
    newcomer = Client()
    assert 'value="dana@example.com"' in text(newcomer.get(link))
    assert newcomer.post(link, NEWCOMER).url == "/"
    assert project.name in text(newcomer.get("/"))
    assert Membership.objects.get(user__email="dana@example.com").role == "member"
    late = Client()
    assert late.get(link).status_code == 410
    assert late.post(link, NEWCOMER | {"email": "eve@example.com"}).status_code == 410
    assert not User.objects.filter(email="eve@example.com").exists()


def test_link_is_shown_once_and_kept_nowhere(alice: User, acme: Workspace) -> None:
    client = signed_in(alice)
    secret = make_link(client, acme).removeprefix("/join/")
    assert secret not in text(client.get("/people"))
    assert Invitation.objects.get().secret_hash != secret


def test_link_made_by_htmx_comes_as_a_fragment(alice: User, acme: Workspace) -> None:
    address = f"/people/{acme.pk}/invitations"
    answer = signed_in(alice).post(address, {"role": "admin"}, headers={"HX-Request": "true"})
    assert text(answer).lstrip().startswith('<section class="card" id="invitations"')


def test_who_has_an_account_joins_with_it(alice: User, acme: Workspace, charlie: User) -> None:
    link = make_link(signed_in(alice), acme, role="admin")
    client = signed_in(charlie)
    assert "Join as charlie@example.com" in text(client.get(link))
    client.post(link)
    assert Membership.objects.get(user=charlie, workspace=acme).role == "admin"


def test_member_does_not_use_up_the_link_of_another(alice: User, bob: User, acme: Workspace) -> None:
    link = make_link(signed_in(alice), acme, role="admin")
    client = signed_in(bob)
    assert "You are in this workspace already" in text(client.get(link))
    client.post(link)
    assert Membership.objects.get(user=bob).role == "member"
    assert Client().get(link).status_code == 200


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"email": "alice@example.com"}, "There is an account with this e-mail address already."),
        ({"email": "ALICE@example.com"}, "There is an account with this e-mail address already."),
        ({"email": "dana"}, "Enter a valid email address."),
        ({"password": "a1b2c3d"}, "too short"),
        ({"password": "dana@example.com"}, "too similar"),
        ({"name": ""}, "This field is required."),
    ],
)
def test_sign_up_that_cannot_be(alice: User, acme: Workspace, change: dict[str, str], words: str) -> None:
    link = make_link(signed_in(alice), acme)
    assert words in text(Client().post(link, NEWCOMER | change))
    assert Invitation.objects.get().is_open
    assert User.objects.count() == 1


def test_old_and_withdrawn_links_are_closed(alice: User, acme: Workspace) -> None:
    client = signed_in(alice)
    old, withdrawn = make_link(client, acme), make_link(client, acme)
    first, second = Invitation.objects.order_by("pk")
    first.expires_at = timezone.now() - timedelta(minutes=1)
    first.save()
    client.post(f"/people/{acme.pk}/invitations/{second.pk}/revoke")
    for link in (old, withdrawn, "/join/never-was"):
        assert Client().get(link).status_code == 410
    assert "no note" not in text(client.get("/people"))


def test_only_administrators_change_people(alice: User, bob: User, acme: Workspace) -> None:
    client, hers = signed_in(bob), Membership.objects.get(user=alice)
    invitation, _ = invite(user=alice, workspace=acme, role="member")
    for path in (
        f"/people/{acme.pk}/invitations",
        f"/people/{acme.pk}/invitations/{invitation.pk}/revoke",
        f"/people/{acme.pk}/members/{hers.pk}/role",
        f"/people/{acme.pk}/members/{hers.pk}/remove",
        f"/people/{acme.pk}/name",
    ):
        answer = client.post(path, {"role": "member", "name": "Bob's"})
        assert answer.status_code == 403
        assert "Only an administrator of Acme can do this." in text(answer)
    assert Membership.objects.filter(user=alice, role="admin").exists()
    assert Invitation.objects.count() == 1


def test_last_administrator_stays_one(alice: User, bob: User, acme: Workspace) -> None:
    client, hers = signed_in(alice), Membership.objects.get(user=alice)
    for change in ("role", "remove"):
        page = client.post(f"/people/{acme.pk}/members/{hers.pk}/{change}", {"role": "member"}, follow=True)
        assert "Alice is the only administrator of Acme." in text(page)
    assert Membership.objects.get(user=alice).role == "admin"


def test_administrator_hands_over_and_leaves(alice: User, bob: User, acme: Workspace, project: Project) -> None:
    client = signed_in(alice)
    his, hers = Membership.objects.get(user=bob), Membership.objects.get(user=alice)
    client.post(f"/people/{acme.pk}/members/{his.pk}/role", {"role": "admin"})
    page = client.post(f"/people/{acme.pk}/members/{hers.pk}/remove", follow=True)
    assert "You left Acme." in text(page)
    assert "You are in no workspace yet" in text(page)
    assert client.get(f"/p/{project.slug}/settings/").status_code == 404


def test_removed_member_sees_nothing_and_takes_the_invitations_along(
    alice: User, bob: User, acme: Workspace, project: Project
) -> None:
    his = Membership.objects.get(user=bob)
    his.role = "admin"
    his.save()
    _, secret = invite(user=bob, workspace=acme, role="admin")
    client = signed_in(bob)
    assert project.name in text(client.get("/"))
    signed_in(alice).post(f"/people/{acme.pk}/members/{his.pk}/remove")
    assert project.name not in text(client.get("/"))
    assert Client().get(f"/join/{secret}").status_code == 410


def test_unknown_role_is_refused(alice: User, bob: User, acme: Workspace) -> None:
    his = Membership.objects.get(user=bob)
    page = signed_in(alice).post(f"/people/{acme.pk}/members/{his.pk}/role", {"role": "god"}, follow=True)
    assert "A role is one of admin, member" in text(page)


def test_several_workspaces_are_chosen_by_name(alice: User, acme: Workspace) -> None:
    client = signed_in(alice)
    assert "Workspaces" not in text(client.get("/people"))
    assert client.post("/people/new", {"name": "Zinc works"}).status_code == 302
    zinc = Workspace.objects.get(name="Zinc works")
    page = text(client.get(f"/people/{zinc.pk}"))
    assert f'href="/people/{acme.pk}"' in page
    assert "Zinc works</h1>" in page
    client.post(f"/people/{zinc.pk}/name", {"name": "Tin works"})
    assert "Tin works</h1>" in text(client.get(f"/people/{zinc.pk}"))


def test_member_of_another_workspace_is_not_reached_through_ones_own(alice: User, bob: User, charlie: User) -> None:
    own = create_workspace(user=charlie, name="Trap")
    his = Membership.objects.get(user=bob)
    client = signed_in(charlie)
    assert client.post(f"/people/{own.pk}/members/{his.pk}/remove").status_code == 404
    assert Membership.objects.filter(pk=his.pk).exists()


def test_password_of_the_account_works_after_joining(alice: User, acme: Workspace) -> None:
    Client().post(make_link(signed_in(alice), acme), NEWCOMER)
    assert Client().post("/sign-in", {"username": "dana@example.com", "password": "staple-orbit-9"}).url == "/"
    assert not User.objects.get(email="dana@example.com").check_password(PASSWORD)
