"""The tree of what can go wrong between a program and a manager.

::

    ClientError
    |-- ConnectionFailed         no manager was reached: refused, unreachable, name unknown
    |   |-- TimedOut             the manager was reached, but no response came in time
    |   |-- Broken               the connection ended in the middle: what was asked for may have been done
    |   `-- Untrusted            the manager's certificate is not trusted
    |-- NotAManager              what answers is not a manager's REST API
    `-- ApiError                 the manager refused: carries status, code, message and whole answer
        |-- BadRequest           400 and 422
        |   |-- IllegalAction        the subject's state forbids it
        |   |-- ExecutionRunning     another execution of the deployment runs
        |   |-- NoSuchWorkflow       the deployment has no such workflow
        |   |-- BadParameters        workflow parameters are missing, unknown or of the wrong type
        |   |-- BadInputs            deployment inputs are missing, unknown or refused
        |   `-- InvalidBlueprint     the blueprint's text is wrong: carries the problems
        |-- Unauthorized         401
        |-- Forbidden            403
        |-- NotFound             404
        |-- Conflict             409
        `-- ServerError          500 and above
            `-- Unavailable      503: trying later may help
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cloudwright.model.rest import Problem


class ClientError(Exception):
    """Any failure of a request. ``str(error)`` is a whole sentence for a user."""


class ConnectionFailed(ClientError):
    """No manager responded at ``url``; ``reason`` is the system's."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"No manager answers at {url}: {reason}.")
        self.url = url
        self.reason = reason


class TimedOut(ConnectionFailed):
    def __init__(self, url: str, reason: str) -> None:
        ClientError.__init__(self, f"The manager at {url} did not answer in time: {reason}.")
        self.url = url
        self.reason = reason


class Broken(ConnectionFailed):
    def __init__(self, url: str, reason: str) -> None:
        ClientError.__init__(self, f"The connection to the manager at {url} broke: {reason}.")
        self.url = url
        self.reason = reason


class Untrusted(ConnectionFailed):
    def __init__(self, url: str, reason: str) -> None:
        ClientError.__init__(self, f"The certificate of the manager at {url} is not trusted: {reason}.")
        self.url = url
        self.reason = reason


class NotAManager(ClientError):
    def __init__(self, url: str, status: int, excerpt: str) -> None:
        seen = f": {excerpt}" if excerpt else ""
        super().__init__(f"What answers at {url} is not a Cloudwright manager (HTTP {status}{seen}).")
        self.url = url
        self.status = status


class ApiError(ClientError):
    """An error response of the manager: ``code`` is its ``error_code``, ``body`` its whole JSON."""

    def __init__(self, message: str, *, status: int, code: str, body: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code
        self.body = body


class BadRequest(ApiError):
    pass


class IllegalAction(BadRequest):
    pass


class ExecutionRunning(BadRequest):
    pass


class NoSuchWorkflow(BadRequest):
    pass


class BadParameters(BadRequest):
    pass


class BadInputs(BadRequest):
    pass


class InvalidBlueprint(BadRequest):
    @property
    def problems(self) -> list[Problem]:
        """The problems found, in the order of the text; empty if the manager named none."""
        return list(self.body.get("problems") or [])

    @property
    def warnings(self) -> list[Problem]:
        """What is probably not meant besides."""
        return list(self.body.get("warnings") or [])


class Unauthorized(ApiError):
    pass


class Forbidden(ApiError):
    pass


class NotFound(ApiError):
    pass


class Conflict(ApiError):
    pass


class ServerError(ApiError):
    pass


class Unavailable(ServerError):
    pass


BY_CODE: Mapping[str, type[ApiError]] = {
    "blueprint_in_use": IllegalAction,
    "conflict_error": Conflict,
    "dependent_exists_error": IllegalAction,
    "existing_running_execution_error": ExecutionRunning,
    "forbidden_error": Forbidden,
    "illegal_action_error": IllegalAction,
    "illegal_execution_parameters_error": BadParameters,
    "invalid_blueprint_error": InvalidBlueprint,
    "missing_execution_parameters_error": BadParameters,
    "missing_required_deployment_input_error": BadInputs,
    "nonexistent_workflow_error": NoSuchWorkflow,
    "not_found_error": NotFound,
    "plugin_in_use": IllegalAction,
    "service_unavailable_error": Unavailable,
    "unauthorized_error": Unauthorized,
    "unknown_deployment_input_error": BadInputs,
}

BY_STATUS: Mapping[int, type[ApiError]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    503: Unavailable,
}


def api_error(status: int, body: Mapping[str, Any]) -> ApiError:
    """Return the error of a response: by its code if that is known, else by its HTTP status."""
    code = str(body.get("error_code") or "")
    message = str(body.get("message") or f"the manager answered with HTTP status {status}")
    fallback = ServerError if status >= 500 else BadRequest
    kind = BY_CODE.get(code) or BY_STATUS.get(status, fallback)
    return kind(message, status=status, code=code, body=body)
