"""Sign in by email and password for a personal token."""

from __future__ import annotations

from axes.utils import reset
from django.contrib.auth import authenticate
from django.http import HttpRequest
from ninja import Router, Status

from webapp.actions.tokens import create_token
from webapp.api.errors import ApiError
from webapp.api.schemas.errors import answers
from webapp.api.schemas.tokens import TokenIn, TokenOut
from webapp.models import User

router = Router()


@router.post("/tokens", auth=None, response=answers(TokenOut, status=201, errors=(401, 422, 429)))
def create_api_token(request: HttpRequest, payload: TokenIn) -> Status[TokenOut]:
    """A new personal token. It stays in force until you revoke it on your account page.

    Attempts are counted together with those of the sign-in page: after too many wrong ones the answer is 429.
    """
    email = payload.email.lower()
    user = authenticate(request, username=email, password=payload.password)
    if not isinstance(user, User):
        if getattr(request, "axes_locked_out", False):
            raise ApiError(429)
        raise ApiError(401, "No user has this email and password.")
    # The pages do this when a session begins; here none does.
    reset(username=email, ip=getattr(request, "axes_ip_address", None))
    token, secret = create_token(user=user, name=payload.name)
    return Status(201, TokenOut(token=secret, name=token.name))
