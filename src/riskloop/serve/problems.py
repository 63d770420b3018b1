"""Errors over HTTP: every refusal is one problem document (RFC 9457), never a traceback."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from http import HTTPStatus
from itertools import islice
from urllib.parse import quote

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from riskloop.errors import (
    BundleRefused,
    Conflict,
    DataError,
    GateRefused,
    NotFound,
    RiskloopError,
    Unavailable,
    UsageError,
)
from riskloop.serve.answers import FieldError, Problem, RefusedRow

MOST_ERRORS = 100
"""A batch of which no row could be scored names so many errors."""
PROBLEM_TYPE = "application/problem+json"
_STATUS: tuple[tuple[type[RiskloopError], int], ...] = (
    (NotFound, 404),
    (GateRefused, 409),
    (Conflict, 409),
    (BundleRefused, 409),
    (Unavailable, 503),
    (UsageError, 422),
    (DataError, 422),
)
_HTTP = {
    404: ("There is no such resource.", "see GET /openapi.json for what there is"),
    405: ("This resource does not know the method.", "use one that the Allow header names"),
}
_HEADERS = {
    401: {"WWW-Authenticate": "Bearer"},
    503: {"Retry-After": "1"},
    413: {"Connection": "close"},  # or the server would go on to receive what nobody will read
}


class RequestRefused(UsageError):
    """A request that cannot be answered, with the HTTP status that says so."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        next_step: str | None = None,
        errors: Sequence[FieldError] = (),
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message, next_step=next_step)
        self.status = status
        self.code = code  # type: ignore[misc]  # the class's code is the general case
        self.errors = list(errors)
        self.retry_after = retry_after


def invalid(errors: Sequence[FieldError], *, what: str = "request") -> RequestRefused:
    """The refusal of a request whose fields are wrong: all of them at once."""
    count = "1 error" if len(errors) == 1 else f"{len(errors)} errors"
    return RequestRefused(
        422,
        "invalid",
        f"The {what} has {count}; nothing was recorded.",
        next_step="correct what `errors` names and send the request again",
        errors=errors,
    )


def nothing_scored(refused: Iterable[RefusedRow]) -> RequestRefused:
    """The refusal of a batch of which no row could be scored."""
    every = (
        FieldError(f"[{row.row}].{error.field}", error.code, error.message) for row in refused for error in row.errors
    )
    return invalid(list(islice(every, MOST_ERRORS)), what="batch")


def problem_response(request: Request, status: int, problem: RiskloopError) -> Response:
    """The problem document of an error."""
    errors = problem.errors if isinstance(problem, RequestRefused) else []
    document = Problem(
        type=f"urn:riskloop:problem:{problem.code}",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=problem.message,
        instance=f"urn:riskloop:request:{quote(request_id(request), safe='')}",
        code=problem.code,
        next_step=problem.next_step,
        errors=errors,
    )
    headers = _HEADERS.get(status)
    if isinstance(problem, RequestRefused) and problem.retry_after is not None:
        headers = {"Retry-After": str(problem.retry_after)}
    return Response(msgspec.json.encode(document), status, headers, PROBLEM_TYPE)


def request_id(request: Request) -> str:
    """The id that the door gave to the request."""
    return str(request.scope.get("riskloop.request_id", ""))


def status_of(error: RiskloopError) -> int:
    """The HTTP status of a deliberate error."""
    if isinstance(error, RequestRefused):
        return error.status
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


async def on_riskloop_error(request: Request, error: Exception) -> Response:
    """Handler of deliberate errors."""
    assert isinstance(error, RiskloopError)  # noqa: S101 - registered for this type
    return refused(request, error)


def refused(request: Request, error: RiskloopError) -> Response:
    """The answer to a deliberate error."""
    return problem_response(request, status_of(error), error)


async def on_http_error(request: Request, error: Exception) -> Response:
    """Handler of the router's own errors: no such path, no such method."""
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this type
    status = error.status_code
    message, step = _HTTP.get(status, (str(error.detail), None))
    code = HTTPStatus(status).phrase.lower().replace(" ", "-")
    response = problem_response(request, status, RequestRefused(status, code, message, next_step=step))
    response.headers.update(error.headers or {})
    return response


def unexpected(request: Request) -> Response:
    """The answer to an error that nobody foresaw: its traceback is in the log, under the request's id."""
    return problem_response(
        request,
        500,
        RequestRefused(
            500, "internal", "The service failed.", next_step="look into its log for the X-Request-ID of this answer"
        ),
    )
