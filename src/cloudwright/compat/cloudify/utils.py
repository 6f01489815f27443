"""``cloudify.utils``: what plugins commonly use of it."""

from __future__ import annotations

import importlib
import logging
import os
import shlex
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from types import TracebackType
from typing import IO, Any

from cloudwright.compat.cloudify import manager
from cloudwright.compat.cloudify.exceptions import CommandExecutionException
from cloudwright.compat.cloudify.state import workflow_parameters
from cloudwright.operation.mapping import load_function
from cloudwright.operation.scripts.output import Budget, Stream
from cloudwright.operation.tempdirs import executable_tempdir, new_folder

__all__ = [
    "CFY_EXEC_TEMPDIR_ENVVAR",
    "ENV_CFY_EXEC_TEMPDIR",
    "CommandExecutionException",
    "CommandExecutionResponse",
    "LocalCommandRunner",
    "OutputConsumer",
    "create_temp_folder",
    "exception_to_error_cause",
    "format_exception",
    "get_exec_tempdir",
    "get_executable_path",
    "get_execution_creator_username",
    "get_execution_id",
    "get_func",
    "get_instances_of_node",
    "get_is_bypass_maintenance",
    "get_manager_name",
    "get_python_path",
    "get_tenant",
    "get_tenant_name",
    "get_workflow_parameters",
    "internal",
    "ipv6_url_compat",
    "is_management_environment",
    "nullcontext",
    "setup_default_logger",
    "setup_logger",
    "wait_for",
]

#: Seldom used, and large in what they import: every fork of an operation would pay for them.
_ELSEWHERE = {
    "extract_archive": "archives",
    "untar": "archives",
    "unzip": "archives",
    "generate_user_password": "identifiers",
    "id_generator": "identifiers",
    "uuid4": "identifiers",
}
__all__ += list(_ELSEWHERE)


def __getattr__(name: str) -> Any:
    if name not in _ELSEWHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__package__}.{_ELSEWHERE[name]}"), name)


# Names of environment variables.

ENV_CFY_EXEC_TEMPDIR = CFY_EXEC_TEMPDIR_ENVVAR = "CFY_EXEC_TEMP"

# Temporary folders and files.

get_exec_tempdir = executable_tempdir
create_temp_folder = new_folder


def ipv6_url_compat(addr: str) -> str:
    """Return an address as a URL has it: one of IPv6 in brackets."""
    return f"[{addr}]" if ":" in addr and not addr.startswith("[") else addr


# Errors.


def format_exception(e: BaseException) -> str:
    return str(e)


def exception_to_error_cause(exception: BaseException, tb: TracebackType | None) -> dict[str, str]:
    """Return an entry of ``causes`` for errors that carry what led to them."""
    return {
        "message": str(exception),
        "traceback": "".join(traceback.format_exception(type(exception), exception, tb)),
        "type": type(exception).__name__,
    }


# Logging and commands.


def setup_logger(
    logger_name: str,
    logger_level: int = logging.INFO,
    handlers: Iterable[logging.Handler] | None = None,
    remove_existing_handlers: bool = True,
    logger_format: str | None = None,
    propagate: bool = True,
) -> logging.Logger:
    """Return a logger of that name that writes to ``handlers``, or to standard output."""
    logger = logging.getLogger(logger_name)
    if remove_existing_handlers:
        logger.handlers.clear()
    formatter = logging.Formatter(
        logger_format or "%(asctime)s [%(levelname)s] [%(name)s] %(message)s", datefmt="%H:%M:%S"
    )
    for handler in list(handlers or ()) or [logging.StreamHandler(sys.stdout)]:
        handler.setFormatter(formatter)
        logger.addHandler(handler)
    logger.setLevel(logger_level)
    logger.propagate = propagate
    return logger


setup_default_logger = setup_logger


class CommandExecutionResponse:
    def __init__(self, command: object, std_out: str | None, std_err: str | None, return_code: int) -> None:
        self.command = command
        self.std_out = std_out
        self.std_err = std_err
        self.return_code = return_code


class LocalCommandRunner:
    """Runs commands on this machine."""

    def __init__(self, logger: logging.Logger | None = None, host: str = "localhost") -> None:
        self.logger = logger or setup_logger("LocalCommandRunner")
        self.host = host

    def run(
        self,
        command: str | list[str],
        exit_on_failure: bool = True,
        stdout_pipe: bool = True,
        stderr_pipe: bool = True,
        cwd: str | None = None,
        execution_env: Mapping[str, str] | None = None,
        encoding: str = "utf-8",
    ) -> CommandExecutionResponse:
        """Run ``command`` (a text is split as a shell does) and wait for its end.

        Raises CommandExecutionException for another exit code than 0, unless ``exit_on_failure`` is false.
        """
        argv = command if isinstance(command, list) else shlex.split(command)
        self.logger.debug("[%s] run: %s", self.host, argv)
        process = subprocess.run(
            argv,
            stdout=subprocess.PIPE if stdout_pipe else None,
            stderr=subprocess.PIPE if stderr_pipe else None,
            cwd=cwd,
            env=os.environ | dict(execution_env or {}),
            check=False,
        )
        out, err = (_decoded(output, encoding) for output in (process.stdout, process.stderr))
        if process.returncode != 0:
            error = CommandExecutionException(command, err, out, process.returncode)
            if exit_on_failure:
                raise error
            self.logger.error(error)
        return CommandExecutionResponse(command, out, err, process.returncode)


def _decoded(output: bytes | None, encoding: str) -> str | None:
    return None if output is None else output.decode(encoding, "replace").rstrip()


def wait_for(
    callable_obj: Callable[[Any], Any],
    callable_obj_key: Any,
    value_attr: str,
    test_condition: Callable[[Any], bool],
    exception_class: type[Exception],
    msg: str = "",
    timeout: float = 900,
) -> Any:
    """Ask every three seconds until the answer's ``value_attr`` passes the test, or time is up."""
    deadline = time.monotonic() + timeout
    while time.monotonic() <= deadline:
        value = callable_obj(callable_obj_key)
        if test_condition(getattr(value, value_attr)):
            return value
        time.sleep(3)
    raise exception_class(msg)


class OutputConsumer:
    """Logs what a pipe brings, from a thread of its own, within the bounds of a script's output."""

    def __init__(self, out: IO[bytes], logger: logging.Logger, prefix: str, ctx: Any = None) -> None:
        self.out = out
        #: The last lines.
        self.output: list[str] = []
        self._stream = Stream(logger, logging.INFO, prefix, Budget())
        self.consumer = threading.Thread(target=self.consume_output, daemon=True)
        self.consumer.start()

    def consume_output(self) -> None:
        with self.out:
            for part in self.out:
                self._stream.feed(part)
        self._stream.close()
        self.output = self._stream.tail().splitlines(keepends=True)

    def join(self) -> None:
        self.consumer.join()


# What the current context knows.

_get_current_context = manager._context


def get_tenant_name() -> str | None:
    return manager._context().tenant_name  # type: ignore[no-any-return]


def get_tenant() -> dict[str, Any]:
    return {"name": get_tenant_name()}


def get_execution_id() -> str | None:
    return manager._context().execution_id  # type: ignore[no-any-return]


def get_execution_creator_username() -> str | None:
    return manager._context().execution_creator_username  # type: ignore[no-any-return]


def get_workflow_parameters() -> dict[str, Any]:
    return {key: value for key, value in workflow_parameters.items() if key != "ctx"}


def get_instances_of_node(
    rest_client: Any, deployment_id: str | None = None, node_id: str | None = None, _ctx: Any = None
) -> Any:
    ctx = _ctx or manager._context()
    return rest_client.node_instances.list(
        deployment_id=deployment_id or ctx.deployment.id, node_id=node_id or ctx.node.id, sort="index"
    )


def get_func(task_name: str) -> Callable[..., Any]:
    """Return the function that a mapping names. Raises NonRecoverableError if there is none."""
    return load_function(task_name, manager._context().plugin or "", [])


def get_is_bypass_maintenance() -> bool:
    """There is no maintenance mode."""
    return False


def is_management_environment() -> bool:
    """Return whether this runs on the manager, and not on an agent."""
    return getattr(manager._context(), "task_target", None) is None


def get_manager_name() -> None:
    """Processes do not know the manager's name: any manager may respond."""


# Python environments.


def get_executable_path(executable: str, venv: str) -> str:
    return os.path.join(venv, "bin", executable)


def get_python_path(venv: str) -> str:
    return get_executable_path("python", venv)


class internal:
    @staticmethod
    def get_install_method(properties: Mapping[str, Any]) -> str | None:
        """How an agent gets onto a host with these properties."""
        if properties.get("install_agent") is False:
            return "none"
        if properties.get("install_agent") is True:
            return "remote"
        method = (properties.get("agent_config") or {}).get("install_method")
        return None if method is None else str(method)
