"""The operation that runs a script: ``script_runner.tasks.run``."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Mapping
from typing import Any

from cloudwright.child.current import current_ctx
from cloudwright.child.errors import NonRecoverableError, ScriptException
from cloudwright.operation.decorators import operation
from cloudwright.operation.scripts.process import Listening, ProcessException, run_process
from cloudwright.operation.scripts.server import CTX_SOCKET_URL, CtxServer
from cloudwright.operation.scripts.source import copy_script, write_script
from cloudwright.operation.tempdirs import executable_tempdir, private_folder

_SAID_TWICE = (
    "A script can say only once what becomes of its operation: `ctx returns`, `ctx abort-operation` or "
    "`ctx retry-operation`."
)


class Verdict:
    """What a script says becomes of its operation: its result, its end, or another run."""

    def __init__(self, ctx: Any) -> None:
        self._ctx = ctx
        self._said: Any = None
        self._twice = False
        for name in ("returns", "abort_operation", "retry_operation"):
            setattr(ctx, name, getattr(self, name))

    def returns(self, value: Any) -> None:
        """The operation's result."""
        self._expect_nothing_said()
        self._said = value

    def abort_operation(self, message: str | None = None) -> ScriptException:
        """Fail the operation for good."""
        self._expect_nothing_said()
        self._said = stop = ScriptException(message or "The script aborted its operation.")
        return stop

    def retry_operation(
        self, message: str | None = None, retry_after: float | str | None = None
    ) -> ScriptException:
        """Run the operation again, ``retry_after`` seconds after it ended."""
        self._expect_nothing_said()
        self._ctx.operation.retry(message=message, retry_after=retry_after)
        self._said = stop = ScriptException(message or "The script asked for another run.", retry=True)
        return stop

    def _expect_nothing_said(self) -> None:
        if self._said is not None:
            self._twice = True
            raise RuntimeError(_SAID_TWICE)

    def check(self) -> bool:
        """Return whether the script asked for another run. Raises NonRecoverableError if it gave up."""
        if self._twice:
            raise NonRecoverableError(_SAID_TWICE)
        if isinstance(self._said, ScriptException):
            if not self._said.retry:
                raise NonRecoverableError(str(self._said))
            return True
        return False

    @property
    def result(self) -> Any:
        return None if isinstance(self._said, ScriptException) else self._said


@operation
def run(
    script_path: str | None = None,
    script_source: str | None = None,
    process: Mapping[str, Any] | None = None,
    ssl_cert_content: str | None = None,
    **kwargs: Any,
) -> Any:
    """Run a script; returns what it said with ``ctx returns``.

    The other arguments are the operation's inputs, which the script finds in its environment. ``process``
    says how it is run (docs/reference/plugin-api.md).
    """
    ctx = kwargs.pop("ctx", None) or current_ctx.get_ctx()
    process = process or {}
    if (script_path is None) == (script_source is None):
        raise NonRecoverableError(
            "An operation that runs a script needs one of the inputs script_path and script_source."
        )
    verdict = Verdict(ctx)
    with private_folder() as folder:
        # A folder of its own, so that no script is in the way of the ctx command.
        where = os.path.join(folder, "script")
        os.mkdir(where, 0o700)
        if script_path is not None:
            script = copy_script(ctx, script_path, where, ssl_cert_content)
        else:
            script = write_script(script_source or "", where, python=process.get("eval_python"))
        name = script_path or "script_source"
        if _evaluated(script, process):
            evaluate(script, name)
            verdict.check()
        else:
            _execute(
                ctx,
                script,
                name,
                process,
                _variables(kwargs | dict(process.get("env") or {})),
                folder,
                verdict,
            )
    return verdict.result


def _is_resumable(inputs: Mapping[str, Any]) -> bool:
    """Return whether an operation's inputs say that its script may be run again after an interruption."""
    process = inputs.get("process")
    return isinstance(process, Mapping) and process.get("resumable") is True


run.resumable = _is_resumable


def _evaluated(script: str, process: Mapping[str, Any]) -> bool:
    wanted = process.get("eval_python")
    return bool(wanted) if wanted is not None else script.lower().endswith(".py")


def evaluate(script: str, name: str) -> None:
    """Run a Python script inside this process, as the program that it is. ``name`` is what errors call it."""
    with open(script, "rb") as stream:
        source = stream.read()
    try:
        code = compile(source, name, "exec", dont_inherit=True)
    except SyntaxError as error:
        raise NonRecoverableError(
            f"Script `{name}`, line {error.lineno} is not Python: {error.msg}"
        ) from error
    except ValueError as error:
        raise NonRecoverableError(f"Script `{name}` is not Python: {error}.") from error
    names = {"__name__": "__main__", "__file__": script, "__doc__": None, "__package__": None}
    try:
        exec(code, names)  # noqa: S102 - this is what was asked for
    except SystemExit as end:
        # The usual way of a program to say that it went well.
        if end.code not in (None, 0):
            raise


def _execute(
    ctx: Any,
    script: str,
    name: str,
    process: Mapping[str, Any],
    variables: dict[str, str],
    folder: str,
    verdict: Verdict,
) -> None:
    server = None if process.get("ctx_proxy_type") == "none" else CtxServer(ctx, folder)
    try:
        ended = run_process(
            [*_prefix(script, process), script, *_arguments(process)],
            name=name,
            env=environment(variables, server),
            cwd=process.get("cwd"),
            logger=ctx.logger,
            listening=Listening(
                process.get("log_stdout", True),
                process.get("log_stderr", True),
                process.get("stderr_to_stdout", False),
            ),
        )
    finally:
        if server is not None:
            server.close()
    if not verdict.check() and ended.code != 0:
        raise ProcessException(name, ended.code, ended.stdout, ended.stderr)


def environment(variables: Mapping[str, str], server: CtxServer | None) -> dict[str, str]:
    """What a script finds in its environment: this process's, ``variables``, and its ``ctx``."""
    env = {"TMPDIR": executable_tempdir()} | dict(os.environ) | dict(variables)
    # Behind everything else, the programs of the plugin's Python environment.
    path = [part for part in env.get("PATH", os.defpath).split(os.pathsep) if part]
    own = os.path.dirname(sys.executable)
    if own not in path:
        path.append(own)
    if server is not None:
        env[CTX_SOCKET_URL] = server.socket_url
        path.insert(0, server.bin)
    env["PATH"] = os.pathsep.join(path)
    return env


def _variables(inputs: Mapping[Any, Any]) -> dict[str, str]:
    """Inputs as environment variables: text as it is, what has parts or is true or false as JSON."""
    return {
        str(key): json.dumps(value) if isinstance(value, dict | list | tuple | bool) else str(value)
        for key, value in inputs.items()
    }


def _prefix(script: str, process: Mapping[str, Any]) -> list[str]:
    prefix = process.get("command_prefix")
    if not prefix and script.lower().endswith(".ps1"):
        prefix = "powershell"
    return shlex.split(prefix) if prefix else []


def _arguments(process: Mapping[str, Any]) -> list[str]:
    given = process.get("args") or []
    return shlex.split(given) if isinstance(given, str) else [str(each) for each in given]
