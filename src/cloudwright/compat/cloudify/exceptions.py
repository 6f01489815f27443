"""``cloudify.exceptions``."""

from __future__ import annotations

from typing import Any

from cloudwright.child.errors import (
    HttpException,
    NonRecoverableError,
    OperationRetry,
    RecoverableError,
    SerializationRetry,
)
from cloudwright.workflow.errors import WorkflowFailed

CloudifySerializationRetry = SerializationRetry

__all__ = [
    "ClosedAMQPClientException",
    "CloudifySerializationRetry",
    "CommandExecutionError",
    "CommandExecutionException",
    "HttpException",
    "InvalidBlueprintImport",
    "NonRecoverableError",
    "OperationRetry",
    "PluginInstallationError",
    "ProcessKillCancelled",
    "RecoverableError",
    "StopAgent",
    "TimeoutException",
    "WorkflowFailed",
]


class CommandExecutionError(RuntimeError):
    """A command could not be started; ``error`` says why."""

    def __init__(self, command: object, error: object = None) -> None:
        super().__init__(f"Command {command} could not be started: {error}")
        self.command = command
        self.error = error


class CommandExecutionException(Exception):
    """A command ended with another exit code than 0; ``error`` and ``output`` are what it printed."""

    def __init__(self, command: object, error: str | None, output: str | None, code: int | None) -> None:
        super().__init__(f"Command {command} ended with exit code {code}.\nerror: {error}\noutput: {output}")
        self.command = command
        self.error = error
        self.output = output
        self.code = code


class _WithCauses(Exception):
    def __init__(self, *args: object, causes: list[dict[str, Any]] | None = None) -> None:
        super().__init__(*args)
        self.causes = causes or []


class InvalidBlueprintImport(_WithCauses, RuntimeError):
    pass


class StopAgent(_WithCauses):
    pass


class TimeoutException(Exception):
    pass


class PluginInstallationError(Exception):
    pass


class ClosedAMQPClientException(Exception):
    pass


class ProcessKillCancelled(NonRecoverableError):
    pass
