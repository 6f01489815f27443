"""``script_runner.tasks``: scripts as operations and workflows, and what plugins run theirs with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudwright.child.errors import NonRecoverableError
from cloudwright.operation.scripts.process import ProcessException
from cloudwright.operation.scripts.run import environment, evaluate, run
from cloudwright.operation.scripts.server import CtxServer
from cloudwright.operation.scripts.source import copy_script, write_script
from cloudwright.operation.tempdirs import new_folder, private_folder, remove_folder
from cloudwright.workflow.current import workflow_ctx
from cloudwright.workflow.decorators import workflow

__all__ = [
    "ILLEGAL_CTX_OPERATION_ERROR",
    "POLL_LOOP_INTERVAL",
    "POLL_LOOP_LOG_ITERATIONS",
    "UNSUPPORTED_SCRIPT_FEATURE_ERROR",
    "ProcessException",
    "execute_workflow",
    "process_ctx_request",
    "run",
    "start_ctx_proxy",
]

#: For plugins that run their scripts themselves: how often they look (seconds, times).
POLL_LOOP_INTERVAL = 0.1
POLL_LOOP_LOG_ITERATIONS = 200
ILLEGAL_CTX_OPERATION_ERROR = RuntimeError("A script can say only once what becomes of its operation.")
UNSUPPORTED_SCRIPT_FEATURE_ERROR = RuntimeError("A script cannot abort or retry its operation here.")


@workflow
def execute_workflow(
    script_path: str | None = None,
    script_source: str | None = None,
    ssl_cert_content: str | None = None,
    **_: Any,
) -> None:
    """Run a Python script as a workflow; its parameters are ``cloudify.workflows.parameters``."""
    if (script_path is None) == (script_source is None):
        raise NonRecoverableError(
            "A workflow that runs a script needs one of the parameters script_path and script_source."
        )
    with private_folder() as folder:
        if script_path is not None:
            script = copy_script(workflow_ctx, script_path, folder, ssl_cert_content)
        else:
            script = write_script(script_source or "", folder, python=True)
        evaluate(script, script_path or "script_source")


class StubCtxProxy:
    """What a script gets that is not to ask anything."""

    socket_url = ""

    def close(self) -> None:
        pass


class CtxProxy(CtxServer):
    """Answers the ``ctx`` command of a script until it is closed."""

    def __init__(self, ctx: Any) -> None:
        self._folder = new_folder()
        super().__init__(ctx, self._folder)

    def close(self) -> None:
        super().close()
        remove_folder(self._folder)


def start_ctx_proxy(ctx: Any, process: Mapping[str, Any]) -> CtxProxy | StubCtxProxy:
    """Answer the ``ctx`` command of a script until it is closed."""
    return StubCtxProxy() if process.get("ctx_proxy_type") == "none" else CtxProxy(ctx)


def process_ctx_request(proxy: CtxProxy | StubCtxProxy) -> None:
    """Does nothing: calls are served as they arrive."""


def _get_process_environment(process: Mapping[str, Any], proxy: CtxProxy | StubCtxProxy) -> dict[str, str]:
    variables = {str(key): str(value) for key, value in (process.get("env") or {}).items()}
    return environment(variables, proxy if isinstance(proxy, CtxServer) else None)
