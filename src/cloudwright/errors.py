"""The root of the error tree.

::

    CloudwrightError
    |-- NotFound                     what was named does not exist
    |-- Conflict                     it exists already, or it was changed meanwhile
    |-- InvalidInput                 the request is malformed; nothing was changed
    |   `-- InvalidBlueprint         a blueprint's text is wrong; carries every problem found
    |-- IllegalAction                the request is well formed but its subject's state forbids it
    |   |-- ExecutionRunning         another execution of the deployment runs
    |   `-- DependentExists          it is still used by something else
    |-- NoSuchWorkflow               the deployment has no workflow of that name
    |-- BadParameters                workflow parameters are missing, unknown or of the wrong type
    |-- BadInputs                    deployment inputs are missing, unknown or refused by a constraint
    |-- Unauthorized                 who is asking is not known
    |-- Forbidden                    who is asking may not do this
    |-- Unavailable                  a part that is needed does not answer now; trying later may help
    `-- StaleTerm                    a write came from an owner that has been replaced

Kinds that only one package raises stand there, below one of these: ``dsl.BlueprintError``,
``manager.archives.UnsafeArchive``, ``process.one_shot.CallFailed``. ``process.frames.FrameError`` and
``process.channel.ChannelClosed`` end a process's talk with its supervisor, and reach no user.

Every message says what happened, where, and what to do. ``code`` is the REST API's ``error_code``.
"""

from __future__ import annotations


class CloudwrightError(Exception):
    """Any failure that a user may meet. ``str(error)`` is a whole sentence for them."""

    code = "internal_server_error"


class NotFound(CloudwrightError):
    code = "not_found_error"


class Conflict(CloudwrightError):
    code = "conflict_error"


class InvalidInput(CloudwrightError):
    code = "bad_parameters_error"


class InvalidBlueprint(InvalidInput):
    code = "invalid_blueprint_error"


class IllegalAction(CloudwrightError):
    code = "illegal_action_error"


class ExecutionRunning(IllegalAction):
    code = "existing_running_execution_error"


class DependentExists(IllegalAction):
    code = "dependent_exists_error"


class NoSuchWorkflow(CloudwrightError):
    code = "nonexistent_workflow_error"


class BadParameters(CloudwrightError):
    code = "missing_execution_parameters_error"


class BadInputs(CloudwrightError):
    code = "missing_required_deployment_input_error"


class Unauthorized(CloudwrightError):
    code = "unauthorized_error"


class Forbidden(CloudwrightError):
    code = "forbidden_error"


class ForbiddenWhileCancelling(Forbidden):
    code = "forbidden_while_cancelling"


class Unavailable(CloudwrightError):
    code = "service_unavailable_error"


class QueryTooSlow(Unavailable):
    code = "query_too_slow_error"


class TooManyRequests(CloudwrightError):
    code = "too_many_requests_error"


class StorageFull(CloudwrightError):
    code = "insufficient_storage_error"


class StaleTerm(CloudwrightError):
    code = "stale_term_error"
