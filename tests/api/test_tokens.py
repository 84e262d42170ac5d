"""Who may ask: tokens, how they are made, what they open."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tests.api.conftest import ApiClient, api_client
from tests.cast import PASSWORD
from webapp.actions.tokens import revoke_token
from webapp.models import ApiToken, User

pytestmark = pytest.mark.django_db


def sign_in(email: str, password: str) -> ApiClient:
    return api_client().post("tokens", {"email": email, "password": password})


def test_email_and_password_give_a_token_that_opens_the_api(alice: User) -> None:
    answer = sign_in("Alice@Example.com", PASSWORD)
    assert answer.status_code == 201
    assert ApiClient(Client(), answer.json()["token"]).get("projects").status_code == 200
    assert ApiToken.objects.get(user=alice).name == "Made through the API"


@pytest.mark.parametrize(("email", "password"), [("alice@example.com", "wrong"), ("nobody@example.com", PASSWORD)])
def test_wrong_passwords_and_unknown_people_look_the_same(alice: User, email: str, password: str) -> None:
    answer = sign_in(email, password)
    assert answer.status_code == 401
    assert answer.json()["error"] == {
        "code": "unauthorized",
        "message": "No user has this email and password.",
        "fields": {},
    }


def test_someone_switched_off_gets_and_uses_no_token(alice: User, api: ApiClient) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert sign_in(alice.email, PASSWORD).status_code == 401
    assert api.get("projects").status_code == 401


@pytest.fixture
def lockout(settings: Any) -> None:
    settings.AXES_ENABLED = True


@pytest.mark.usefixtures("lockout")
def test_too_many_wrong_passwords_lock_the_pair_of_person_and_address(alice: User, bob: User) -> None:
    answers = [sign_in(alice.email, "wrong") for _ in range(12)]
    assert [answer.status_code for answer in answers[:9]] == [401] * 9
    assert answers[-1].status_code == 429
    assert answers[-1].json()["error"]["code"] == "too_many_requests"
    assert sign_in(alice.email, PASSWORD).status_code == 429
    assert sign_in(bob.email, PASSWORD).status_code == 201


@pytest.mark.usefixtures("lockout")
def test_a_right_password_forgets_the_wrong_ones(alice: User) -> None:
    for _ in range(3):
        assert {sign_in(alice.email, "wrong").status_code for _ in range(5)} == {401}
        assert sign_in(alice.email, PASSWORD).status_code == 201


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Bearer wrong", "Basic YTpi", "Bearer \x7f\xff", "nonsense"]
)
def test_without_a_token_in_force_nothing_opens(alice: User, header: str) -> None:
    answer = Client().get("/api/v1/projects", headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Bearer"
    assert answer.json()["error"]["code"] == "unauthorized"


def test_a_session_of_the_pages_opens_nothing(alice: User) -> None:
    browser = Client()
    browser.force_login(alice)
    assert browser.get("/api/v1/projects").status_code == 401


def test_a_revoked_token_opens_nothing(alice: User, api: ApiClient) -> None:
    assert api.get("projects").status_code == 200
    revoke_token(user=alice, token=ApiToken.objects.get(user=alice))
    assert api.get("projects").status_code == 401


def test_use_is_noted_at_most_once_a_minute(alice: User, api: ApiClient) -> None:
    token = ApiToken.objects.get(user=alice)
    assert token.last_used_at is None
    api.get("projects")
    token.refresh_from_db()
    first = token.last_used_at
    assert first is not None
    assert timezone.now() - first < timedelta(seconds=30)
    api.get("projects")
    token.refresh_from_db()
    assert token.last_used_at == first
    ApiToken.objects.update(last_used_at=first - timedelta(minutes=2))
    api.get("projects")
    token.refresh_from_db()
    assert token.last_used_at is not None
    assert token.last_used_at >= first
