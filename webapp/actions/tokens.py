"""Personal API tokens: make one, take it back."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from webapp.actions.refused import Refused
from webapp.models import ApiToken, User
from webapp.models.people import hash_secret, new_secret

TOKEN_PREFIX = "pixelwise_"  # noqa: S105
HINT_LENGTH = 4
USE_NOTED_EVERY = timedelta(minutes=1)


def create_token(*, user: User, name: str) -> tuple[ApiToken, str]:
    """A token and its secret, which is kept nowhere: it can be shown only now."""
    name = name.strip()
    if not 1 <= len(name) <= 100:
        raise Refused(f"A token name has 1 to 100 characters, this one has {len(name)}.", field="name")
    secret = TOKEN_PREFIX + new_secret()
    token = ApiToken.objects.create(user=user, name=name, secret_hash=hash_secret(secret), hint=secret[-HINT_LENGTH:])
    return token, secret


def revoke_token(*, user: User, token: ApiToken) -> None:
    """From now on the token opens nothing. Only its owner can do this."""
    ApiToken.objects.filter(pk=token.pk, user=user).delete()


def note_token_use(*, token: ApiToken) -> None:
    """Remember that the token was used now; at most once a minute, so that reads do not write each time."""
    now = timezone.now()
    stale = Q(last_used_at__isnull=True) | Q(last_used_at__lte=now - USE_NOTED_EVERY)
    if token.last_used_at is None or token.last_used_at <= now - USE_NOTED_EVERY:
        ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=now)
