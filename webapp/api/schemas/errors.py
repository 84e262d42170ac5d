"""The one shape of every error."""

from __future__ import annotations

from typing import Any

from ninja import Schema


class ErrorDetail(Schema):
    code: str
    message: str
    fields: dict[str, str]


class Error(Schema):
    error: ErrorDetail


READ_ERRORS = (401, 404)
QUERY_ERRORS = (401, 404, 422)
WRITE_ERRORS = (400, 401, 404, 422)


def answers(success: Any, *, status: int = 200, errors: tuple[int, ...] = QUERY_ERRORS) -> dict[int, Any]:
    """`response=` of a route: what it gives when all went well, and the errors that it may give."""
    return {status: success} | dict.fromkeys(errors, Error)
