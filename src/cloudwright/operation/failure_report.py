"""Makes the ``failure`` of an ``end`` frame from the exception that ended an operation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cloudwright.child.errors import NonRecoverableError, RecoverableError, RequestRefused
from cloudwright.child.failures import memory_limit, user_error
from cloudwright.model.json_values import readable

#: The HTTP statuses of what is not there: a thing, a method, a function.
_ABSENT = (404, 405, 501)


def describe(error: BaseException, folders: Sequence[str] = ()) -> dict[str, Any]:
    """Return the failure (docs/concepts/frames.md) for ``error``, which ended the operation.

    ``folders`` are those of the blueprint and of its plugin: file names are relative to them.
    """
    said = user_error(error, folders)
    given = [cause for cause in getattr(error, "causes", None) or () if isinstance(cause, dict)]
    causes = [
        {name: readable(str(cause.get(name) or "")) for name in ("type", "message", "traceback")}
        for cause in [*said.causes, *given]
    ]
    return {
        "message": readable(_message(error)),
        "recoverable": _is_recoverable(error),
        "retry_after": _retry_after(error),
        "kind": type(error).__name__,
        "traceback": readable(said.traceback + "".join(_caused_by(cause) for cause in given)),
        "place": readable(said.place),
        "causes": causes,
    }


def _is_recoverable(error: BaseException) -> bool:
    if isinstance(error, RequestRefused) and error.status_code in _ABSENT:
        return False
    return not isinstance(error, NonRecoverableError)


def _message(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception as second:  # noqa: BLE001 - the exception is the user's, and so is its __str__
        text = f"(the exception's message could not be made: {type(second).__name__})"
    match error:
        case SystemExit():
            return f"The operation called sys.exit({error.code!r}) instead of returning."
        case KeyboardInterrupt():
            return "The operation was interrupted (SIGINT)."
        case MemoryError():
            limit = memory_limit("CLOUDWRIGHT_OPERATION_MEMORY")
            return f"The operation ran out of memory{limit}. {text}".rstrip()
        case RecursionError():
            return f"The operation called itself too deep: {text}"
    return text or type(error).__name__


def _retry_after(error: BaseException) -> float | None:
    wanted = error.retry_after if isinstance(error, RecoverableError) else None
    try:
        return None if wanted is None else max(0.0, float(wanted))
    except (TypeError, ValueError):
        return None


def _caused_by(cause: dict[str, Any]) -> str:
    return f"Caused by {cause.get('type')}: {cause.get('message')}\n{cause.get('traceback') or ''}"
