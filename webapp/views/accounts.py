"""One's own account: sign in and out, name, password, API tokens."""

from __future__ import annotations

import math
from typing import Any

from axes.helpers import get_cool_off
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from webapp.actions.people import rename_user
from webapp.actions.tokens import create_token, revoke_token
from webapp.forms.accounts import NameForm, PasswordForm, SignInForm, TokenForm
from webapp.models import ApiToken
from webapp.views.asking import person

sign_in = LoginView.as_view(
    template_name="accounts/sign_in.html", authentication_form=SignInForm, redirect_authenticated_user=True
)
sign_out = LogoutView.as_view(next_page="sign-in")


def locked_out(
    request: HttpRequest, response: HttpResponse | None = None, credentials: dict[str, Any] | None = None
) -> HttpResponse:
    """What django-axes answers after too many wrong passwords."""
    wait = get_cool_off(request)
    minutes = math.ceil(wait.total_seconds() / 60) if wait else None
    return render(request, "accounts/locked_out.html", {"wait_minutes": minutes}, status=429)


@require_http_methods(["GET", "HEAD", "POST"])
def show(request: HttpRequest) -> HttpResponse:
    form = NameForm(request.POST or None, initial={"name": person(request).name})
    if request.method == "POST" and form.is_valid():
        rename_user(user=person(request), name=form.cleaned_data["name"])
        messages.success(request, "Your name is saved.")
        return redirect("account")
    return _account(request, name_form=form)


@require_POST
def change_password(request: HttpRequest) -> HttpResponse:
    form = PasswordForm(person(request), request.POST)
    if not form.is_valid():
        return _account(request, password_form=form)
    update_session_auth_hash(request, form.save())
    messages.success(request, "Your password is changed. You stay signed in here and are signed out elsewhere.")
    return redirect("account")


@require_POST
def create_api_token(request: HttpRequest) -> HttpResponse:
    form = TokenForm(request.POST)
    if not form.is_valid():
        return _tokens(request, token_form=form)
    token, secret = create_token(user=person(request), name=form.cleaned_data["name"])
    return _tokens(request, new_token=token, secret=secret)


@require_POST
def revoke_api_token(request: HttpRequest, token_id: int) -> HttpResponse:
    token = get_object_or_404(ApiToken, pk=token_id, user=person(request))
    revoke_token(user=person(request), token=token)
    messages.success(request, f"The token {token.name} is revoked. It opens nothing any more.")
    return redirect("account")


def _tokens(request: HttpRequest, **extra: Any) -> HttpResponse:
    """The tokens alone where htmx asked, so that a reload of the page does not make another token."""
    if not getattr(request, "htmx", False):
        return _account(request, **extra)
    return render(request, "accounts/_tokens.html", _token_context(request) | extra)


def _account(request: HttpRequest, **extra: Any) -> HttpResponse:
    context = {
        "nav": "account",
        "name_form": NameForm(initial={"name": person(request).name}),
        "password_form": PasswordForm(person(request)),
        **_token_context(request),
    }
    response = render(request, "accounts/show.html", context | extra)
    response["Cache-Control"] = "no-store"
    return response


def _token_context(request: HttpRequest) -> dict[str, Any]:
    return {
        "token_form": TokenForm(),
        "tokens": person(request).api_tokens.order_by("-created_at"),
        "account": person(request),
    }
