"""Every request has an id: in its log lines, in its answer, and, where a proxy gave one, the proxy's."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable

import structlog
from django.http import HttpRequest
from django.http.response import HttpResponseBase

HEADER = "X-Request-ID"
SLOW_SECONDS = 1.0
_GIVEN = re.compile(r"[A-Za-z0-9._-]{8,64}")

log = structlog.get_logger(__name__)


class RequestIds:
    """Logs what failed here and what took more than a second; what people type stays out of the log."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        given = request.headers.get(HEADER, "")
        request_id = given if _GIVEN.fullmatch(given) else uuid.uuid4().hex
        began = time.monotonic()
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = self._get_response(request)
            seconds = time.monotonic() - began
            if response.status_code >= 500 or seconds > SLOW_SECONDS:
                log.warning(
                    "request",
                    method=request.method,
                    path=request.path,
                    status=response.status_code,
                    seconds=round(seconds, 3),
                )
        response[HEADER] = request_id
        return response
