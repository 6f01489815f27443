"""The one place that turns errors into HTTP responses.

Every response that is not a success is ``{"message", "error_code", "server_traceback"}``. The last is always
null: clients expect the key, and nothing of the server's inside leaves it. An unforeseen error is logged
under the ID of an incident, and the response contains only that ID.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request

from cloudwright import errors
from cloudwright.api.responses import JsonResponse
from cloudwright.errors import CloudwrightError
from cloudwright.model.filter_rules import InvalidFilterRule
from cloudwright.planning import EvaluationError

log = logging.getLogger(__name__)

#: By the most specific class that is listed; whatever is not listed is the server's fault.
STATUS: Mapping[type[CloudwrightError], int] = {
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.InvalidInput: 400,
    errors.IllegalAction: 400,
    errors.NoSuchWorkflow: 400,
    errors.BadParameters: 400,
    errors.BadInputs: 400,
    EvaluationError: 400,
    errors.Unauthorized: 401,
    errors.Forbidden: 403,
    errors.StaleTerm: 409,
    errors.TooManyRequests: 429,
    errors.Unavailable: 503,
    errors.StorageFull: 507,
}

_CODES: Mapping[int, str] = {
    404: errors.NotFound.code,
    405: "method_not_allowed_error",
    413: "request_too_large_error",
    415: "unsupported_content_type_error",
}

CHALLENGE = {"WWW-Authenticate": 'Basic realm="Cloudwright", charset="UTF-8"'}


class UnknownField(errors.InvalidInput):
    """`_include` names a field that the records do not have."""

    code = "no_such_include_field_error"


def error_response(
    status: int, message: str, code: str, headers: Mapping[str, str] | None = None, **more: Any
) -> JsonResponse:
    """Return the response to a refused request; ``more`` adds fields for programs to the message."""
    body = {"message": message, "error_code": code, "server_traceback": None, **more}
    return JsonResponse(body, status_code=status, headers=headers)


def response_for(error: CloudwrightError, *, challenge: bool = True) -> JsonResponse:
    """Return the response to an error; ``challenge`` adds to a 401 what makes browsers ask for a password."""
    status = next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)
    if status == 500:
        return incident_response(error, "an error")
    more: dict[str, Any] = {}
    if isinstance(error, InvalidFilterRule):
        more |= {"err_filter_rule": error.rule, "err_reason": error.reason}
    problems = getattr(error, "problems", None)
    if problems is not None:
        more["problems"] = [problem.to_json() for problem in problems]
        more["warnings"] = [warning.to_json() for warning in getattr(error, "warnings", ())]
    headers = {429: {"Retry-After": "1"}, 503: {"Retry-After": "1"}}.get(status)
    if status == 401 and challenge:
        headers = CHALLENGE
    return error_response(status, str(error), error.code, headers, **more)


def incident_response(error: Exception, what: str) -> JsonResponse:
    """``what`` was being done is for the log only."""
    incident = secrets.token_hex(6)
    log.error("incident %s in %s", incident, what, exc_info=error)
    return error_response(
        500,
        f"Internal error. See incident {incident} in the manager's log.",
        CloudwrightError.code,
        incident=incident,
    )


async def on_error(_request: Request, error: Exception) -> JsonResponse:
    assert isinstance(error, CloudwrightError)
    return response_for(error)


async def on_invalid_request(_request: Request, error: Exception) -> JsonResponse:
    assert isinstance(error, RequestValidationError)
    return response_for(errors.InvalidInput(describe_problems(error.errors())))


async def on_http_error(request: Request, error: Exception) -> JsonResponse:
    """What the web framework itself refuses: unknown routes and methods, bodies that cannot be read."""
    assert isinstance(error, HTTPException)
    where = f"{request.method} {request.url.path}"
    status = error.status_code
    message = {
        404: f"There is nothing at {where}.",
        405: f"There is no {where}; another method may exist.",
    }.get(status, error.detail or HTTPStatus(status).phrase)
    code = _CODES.get(status, errors.InvalidInput.code if status < 500 else CloudwrightError.code)
    return error_response(status, message, code, error.headers)


def describe_problems(problems: Sequence[Any]) -> str:
    """Describe what is wrong with a request, in one sentence each."""
    described = []
    for problem in problems[:10]:
        place, *path = [str(part) for part in problem["loc"]]
        name = ".".join(path)
        where = {
            "query": "the parameter",
            "body": "the body's",
            "path": "the path's",
            "header": "the header",
            "form": "the form's",
        }.get(place, place)
        subject = f"{where} `{name}`" if name else f"the request's {place}"
        described.append(f"{subject}: {problem['msg'][:300]}")
    return f"The request is not valid: {'; '.join(described)}."
