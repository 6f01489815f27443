"""What goes wrong in an operation, and what its author raises to say how it went wrong.

::

    Exception
    |-- NonRecoverableError       trying again cannot help
    |   `-- HttpException         a file that was asked for could not be had; carries url and code
    |-- RecoverableError          trying again may help (so may any other exception); says after how long
    |   |-- OperationRetry        the operation asks to be run again; nothing is wrong
    |   `-- SerializationRetry    another instance of the node has to come first
    |-- RequestRefused            the manager refused what the operation asked for; carries status_code
    `-- ScriptException           a script asked for the end of its operation
    RuntimeError
    `-- NotInContext              there is no ``ctx`` here

The names and arguments are those that Cloudify's plugins use.
"""

from __future__ import annotations

from typing import Any


class NonRecoverableError(Exception):
    """``causes`` are dictionaries with ``message``, ``type`` and ``traceback``: what led to this."""

    def __init__(self, *args: object, causes: list[dict[str, Any]] | None = None) -> None:
        super().__init__(*args)
        self.causes = causes or []


class RecoverableError(Exception):
    """``retry_after`` is in seconds; None leaves it to the retry policy."""

    def __init__(
        self,
        message: object = "",
        retry_after: float | None = None,
        causes: list[dict[str, Any]] | None = None,
    ) -> None:
        text = "" if message is None else str(message)
        suffix = f"[retry_after={retry_after}]"
        if retry_after is not None and suffix not in text:
            text = f"{text} {suffix}".lstrip()
        super().__init__(text)
        self.retry_after = retry_after
        self.causes = causes or []


class OperationRetry(RecoverableError):
    pass


class SerializationRetry(RecoverableError):
    pass


class HttpException(NonRecoverableError):
    def __init__(self, url: str, code: int, message: str, causes: list[dict[str, Any]] | None = None) -> None:
        super().__init__(f"{code} ({url}) : {message}", causes=causes)
        self.url = url
        self.code = code
        self.message = message


class RequestRefused(Exception):
    """``status_code`` is the HTTP status that says the same; ``error_code`` the REST API's name for it."""

    def __init__(
        self,
        message: str,
        server_traceback: str | None = None,
        status_code: int = -1,
        error_code: str | None = None,
        response: object = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.server_traceback = server_traceback
        self.status_code = status_code
        self.error_code = error_code
        self.response = response

    def __str__(self) -> str:
        return f"{self.status_code}: {self.message}" if self.status_code != -1 else str(self.message)


class ScriptException(Exception):
    """``retry`` is whether the operation is to be run again; if not, it fails for good."""

    def __init__(self, message: str | None = None, retry: bool = False) -> None:
        super().__init__(message)
        self.retry = retry


class NotInContext(RuntimeError):
    pass
