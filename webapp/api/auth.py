"""Who asks: the bearer of a personal token."""

from __future__ import annotations

from django.http import HttpRequest
from ninja.security import HttpBearer

from webapp.actions.tokens import note_token_use
from webapp.models import ApiToken, User
from webapp.models.people import hash_secret


class ApiRequest(HttpRequest):
    """A request that passed `TokenAuth`."""

    auth: User


class TokenAuth(HttpBearer):
    """A session of the pages opens nothing here, so that no other site can act through a browser."""

    def authenticate(self, request: HttpRequest, token: str) -> User | None:
        secret_hash = hash_secret(token.strip())
        found = ApiToken.objects.select_related("user").filter(secret_hash=secret_hash, user__is_active=True).first()
        if found is None:
            return None
        note_token_use(token=found)
        return found.user
