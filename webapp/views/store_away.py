"""The answer while the bucket that holds the files does not answer: 503 in words, for pages and for programs."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string

from webapp.services.store_away_error import StoreAwayError

RETRY_SECONDS = 30

log = structlog.get_logger(__name__)


class StoreAway:
    """A middleware; the API gives its answer the one shape of errors."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, StoreAwayError):
            return None
        log.error("the store does not answer", error=str(exception), path=request.path)
        return HttpResponse(
            render_to_string("errors/store_away.html"), status=503, headers={"Retry-After": str(RETRY_SECONDS)}
        )
