"""Signing in and out, one's own name, password and tokens."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from tests.cast import PASSWORD, signed_in
from webapp.actions.tokens import create_token
from webapp.models import ApiToken, User


def sign_in(email: str, password: str, client: Client | None = None, **more: str) -> Any:
    return (client or Client()).post("/sign-in", {"username": email, "password": password, **more})


@pytest.mark.parametrize("email", ["alice@example.com", " Alice@Example.COM "])
def test_right_password_opens_the_projects(alice: User, email: str) -> None:
    answer = sign_in(email, PASSWORD)
    assert answer.status_code == 302
    assert answer.url == "/"


def test_wrong_password_is_told_without_saying_which_part_was_wrong(alice: User) -> None:
    known = sign_in("alice@example.com", "wrong").content.decode()
    unknown = sign_in("nobody@example.com", "wrong").content.decode()
    for page in (known, unknown):
        assert "do not go together" in page


def test_after_signing_in_one_is_where_one_wanted_to_be(alice: User) -> None:
    assert sign_in("alice@example.com", PASSWORD, next="/people").url == "/people"
    assert sign_in("alice@example.com", PASSWORD, next="https://evil.example/").url == "/"


def test_too_many_wrong_passwords_pause_signing_in(alice: User, settings: Any) -> None:
    settings.AXES_ENABLED = True
    settings.AXES_FAILURE_LIMIT = 3
    for email in ("alice@example.com", "ALICE@example.com", "Alice@Example.com"):
        answer = sign_in(email, "wrong")
    assert answer.status_code == 429
    assert "Try again in 15 minutes" in answer.content.decode()
    assert sign_in("alice@example.com", PASSWORD).status_code == 429


def test_signing_out_takes_a_form(alice: User) -> None:
    client = signed_in(alice)
    assert client.get("/sign-out").status_code == 405
    assert client.post("/sign-out").url == "/sign-in"
    assert client.get("/").status_code == 302


def test_signed_out_pages_fragments_and_scripts_are_told_in_their_own_way(db: None) -> None:
    client = Client()
    assert client.get("/people?x=1").url == "/sign-in?next=/people%3Fx%3D1"
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/people"}
    fragment = client.get("/people", headers=headers)
    assert fragment["HX-Redirect"] == "/sign-in?next=/people"
    script = client.get("/people", headers={"Accept": "application/json"})
    assert script.status_code == 401
    assert script.json()["error"]["code"] == "signed_out"


def test_name_is_saved(alice: User) -> None:
    signed_in(alice).post("/account", {"name": " Alice Olsen "})
    alice.refresh_from_db()
    assert alice.name == "Alice Olsen"


def change_password(client: Client, old: str, new: str, again: str) -> Any:
    fields = {"old_password": old, "new_password1": new, "new_password2": again}
    return client.post("/account/password", fields)


def test_new_password_ends_other_sessions(alice: User) -> None:
    here, elsewhere = signed_in(alice), signed_in(alice)
    assert change_password(here, PASSWORD, "staple-orbit-9", "staple-orbit-9").url == "/account"
    assert here.get("/account").status_code == 200
    assert elsewhere.get("/account").status_code == 302
    assert sign_in("alice@example.com", PASSWORD).status_code == 200
    assert sign_in("alice@example.com", "staple-orbit-9").status_code == 302


@pytest.mark.parametrize(
    ("old", "new", "again", "words"),
    [
        ("wrong", "staple-orbit-9", "staple-orbit-9", "That is not your present password."),
        (PASSWORD, "staple-orbit-9", "staple-orbit-8", "The two new passwords are not the same."),
        (PASSWORD, "a1b2c3d", "a1b2c3d", "too short"),
        (PASSWORD, "password1", "password1", "too common"),
    ],
)
def test_password_that_cannot_be(alice: User, old: str, new: str, again: str, words: str) -> None:
    answer = change_password(signed_in(alice), old, new, again)
    assert words in answer.content.decode()
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)


def secret_in(page: str) -> str:
    found = re.search(r"pixelwise_[\w-]+", page)
    assert found is not None
    return found.group()


def test_token_is_shown_once_and_opens_the_api(alice: User) -> None:
    client = signed_in(alice)
    made = client.post("/account/tokens", {"name": "Nightly"})
    assert made["Cache-Control"] == "no-store"
    secret = secret_in(made.content.decode())
    assert secret not in client.get("/account").content.decode()
    token = ApiToken.objects.get()
    assert secret not in (token.secret_hash, token.name)
    assert secret.endswith(token.hint)
    api = Client().get("/api/v1/projects", headers={"Authorization": f"Bearer {secret}"})
    assert api.status_code == 200


def test_token_comes_as_a_fragment_to_htmx(alice: User) -> None:
    answer = signed_in(alice).post("/account/tokens", {"name": "Nightly"}, headers={"HX-Request": "true"})
    page = answer.content.decode()
    assert page.lstrip().startswith('<section class="card" id="tokens"')
    assert secret_in(page)


def test_token_needs_a_name(alice: User) -> None:
    answer = signed_in(alice).post("/account/tokens", {"name": "  "})
    assert "This field is required." in answer.content.decode()
    assert not ApiToken.objects.exists()


def test_revoked_token_opens_nothing(alice: User) -> None:
    token, secret = create_token(user=alice, name="Nightly")
    signed_in(alice).post(f"/account/tokens/{token.pk}/revoke")
    api = Client().get("/api/v1/projects", headers={"Authorization": f"Bearer {secret}"})
    assert api.status_code == 401


def test_nobody_revokes_the_token_of_another(alice: User, bob: User) -> None:
    token, _ = create_token(user=alice, name="Nightly")
    assert signed_in(bob).post(f"/account/tokens/{token.pk}/revoke").status_code == 404
    assert ApiToken.objects.filter(pk=token.pk).exists()
