"""One shape for everything that goes wrong below /api/: {"error": {"code", "message", "fields"}}."""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from django.core.exceptions import BadRequest, PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import OperationalError
from django.http import Http404, HttpRequest, JsonResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.http.response import HttpResponseBase
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from analytics import ScopeError
from webapp.actions.refused import Refused

logger = logging.getLogger("django.request")

PREFIX = "/api/"

CODES: Mapping[int, tuple[str, str]] = {
    400: ("bad_request", "The request cannot be read. Send what /api/docs describes."),
    401: (
        "unauthorized",
        "Expected the header “Authorization: Bearer TOKEN” with a token that is in force. "
        "Make one on your account page or with POST /api/v1/tokens.",
    ),
    403: ("forbidden", "You may not do this. Ask an administrator of the workspace."),
    404: ("not_found", "There is nothing at this address, or you may not see it."),
    405: ("method_not_allowed", "This address does not take this method."),
    409: ("conflict", "Something else happened in between. Ask how far it is, then go on from there."),
    411: ("length_required", "Expected the header Content-Length; bodies in chunks of unknown number are not read."),
    412: ("precondition_failed", "Expected version 1.0.0 of the tus protocol."),
    413: ("too_large", "The request is larger than this server takes. Send less at once."),
    415: ("unsupported_media_type", "The content type is not one that this address takes."),
    422: ("invalid", "Some of the input is not what was expected; “fields” says which and why."),
    429: ("too_many_requests", "Too many attempts. Wait a while, then try again."),
    460: ("checksum_mismatch", "What arrived is not what was announced. Send it again."),
    500: (
        "server_error",
        "Something went wrong on the server and was logged there. Try again, or tell who runs it.",
    ),
    503: ("unavailable", "The server cannot answer at the moment. Try again in a while."),
    507: ("storage_full", "The server's disk is full. Tell who runs it, then send the files again."),
}
KEPT_HEADERS = ("Allow", "Retry-After")


class ErrorResponse(JsonResponse):
    """An error in the one shape."""

    def __init__(self, status: int, message: str = "", fields: Mapping[str, str] | None = None) -> None:
        code, default = CODES.get(status) or CODES[400 if status < 500 else 500]
        detail = {"code": code, "message": message or default, "fields": dict(fields or {})}
        super().__init__({"error": detail}, status=status)
        if status == 401:
            self["WWW-Authenticate"] = "Bearer"


class ApiError(Exception):
    """What a route raises to answer with an error of its own words."""

    def __init__(
        self,
        status: int,
        message: str = "",
        fields: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.fields = dict(fields or {})
        self.headers = dict(headers or {})


def invalid(field: str, message: str) -> ApiError:
    return ApiError(422, message, {field: message})


class ApiErrorMiddleware:
    """Shapes errors that no route answered with: unknown addresses, methods, crashes, lockouts."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if (
            response.status_code < 400
            or isinstance(response, ErrorResponse)
            or not request.path_info.startswith(PREFIX)
        ):
            return response
        message = ""
        if response.status_code == 405:
            message = f"This address takes {response.get('Allow')}, got {request.method}."
        shaped = ErrorResponse(response.status_code, message)
        for header in KEPT_HEADERS:
            if header in response:
                shaped[header] = response[header]
        return shaped


def handle_errors(api: NinjaAPI) -> None:
    """What a route may raise, and the answer it becomes; everything else is Django's to log and to report."""
    answers: dict[type[Exception], Callable[[Any], ErrorResponse]] = {
        ApiError: _api_error,
        ValidationError: lambda error: ErrorResponse(422, fields=_field_messages(error)),
        HttpError: lambda error: ErrorResponse(error.status_code, _http_message(error)),
        ScopeError: lambda error: ErrorResponse(422, fields=error.fields),
        Refused: lambda error: ErrorResponse(422, str(error), _refused_fields(error)),
        Http404: lambda error: ErrorResponse(404),
        PermissionDenied: lambda error: ErrorResponse(403, str(error)),
        RequestDataTooBig: lambda error: ErrorResponse(413),
        SuspiciousOperation: lambda error: ErrorResponse(400),
        BadRequest: lambda error: ErrorResponse(400),
        MultiPartParserError: lambda error: ErrorResponse(400, f"The multipart form cannot be read: {error}"),
        UnreadablePostError: lambda error: ErrorResponse(400, "The connection broke off too early."),
        OSError: _os_error,
        OperationalError: _database_error,
        Exception: _raise,
    }
    for kind, answer in answers.items():
        api.add_exception_handler(kind, _handler(answer))


def _handler(answer: Callable[[Any], ErrorResponse]) -> Callable[[HttpRequest, Any], ErrorResponse]:
    return lambda request, error: answer(error)


def _api_error(error: ApiError) -> ErrorResponse:
    answer = ErrorResponse(error.status, error.message, error.fields)
    for name, value in error.headers.items():
        answer[name] = value
    return answer


def _os_error(error: OSError) -> ErrorResponse:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return ErrorResponse(507)
    raise error


def _database_error(error: OperationalError) -> ErrorResponse:
    logger.error("the database did not answer", exc_info=error)
    return ErrorResponse(503)


def _raise(error: Exception) -> NoReturn:
    raise error


def _refused_fields(error: Refused) -> dict[str, str]:
    return {error.field: str(error)} if error.field else {}


def _http_message(error: HttpError) -> str:
    """Ninja's own words where they say more than ours."""
    return "" if error.status_code == 401 else error.message


def _field_messages(error: ValidationError) -> dict[str, str]:
    """Name of each wrong input, parts joined by dots ("labels.0.color"), and what was expected of it."""
    messages = {}
    for one in error.errors:
        source, *place = one["loc"]
        if source == "body":
            place = place[1:]
        messages[".".join(str(part) for part in place) or "body"] = str(one["msg"])
    return messages
