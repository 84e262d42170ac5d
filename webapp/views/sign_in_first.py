"""Every page is behind sign-in unless it says otherwise (`login_not_required`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django_htmx.http import HttpResponseClientRedirect

# The API and the metrics ask for a token themselves; the health check tells nothing about anyone.
OPEN_PATHS = ("/api/", "/healthz", "/metrics")


class SignInFirst(LoginRequiredMiddleware):
    """Pages send the signed-out to the sign-in page; so do fragments, for the whole window. Scripts get a 401."""

    def process_view(
        self, request: HttpRequest, view_func: Callable[..., Any], view_args: Any, view_kwargs: Any
    ) -> HttpResponseBase | None:
        if request.path.startswith(OPEN_PATHS):
            return None
        refusal = super().process_view(request, view_func, view_args, view_kwargs)
        if refusal is None:
            return None
        if htmx := getattr(request, "htmx", None):
            sign_in = redirect_to_login(htmx.current_url_abs_path or "/", self.get_login_url(view_func))
            return HttpResponseClientRedirect(sign_in.url)
        if not request.accepts("text/html"):
            error = {"code": "signed_out", "message": "You are signed out. Sign in and try again.", "fields": {}}
            return JsonResponse({"error": error}, status=401)
        return refusal
