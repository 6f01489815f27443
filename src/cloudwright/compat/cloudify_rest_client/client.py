"""``cloudify_rest_client.client``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cloudwright.child.current import CurrentContext, current_ctx
from cloudwright.child.errors import NotInContext
from cloudwright.compat.cloudify_rest_client.exceptions import specific
from cloudwright.operation.rest_client import RestClient
from cloudwright.workflow.current import current_workflow_ctx

__all__ = ["CloudifyClient"]


class CloudifyClient(RestClient):
    """The manager of the current operation or workflow, whatever address and credentials are given."""

    def __init__(self, *_: Any, **__: Any) -> None:
        super().__init__(_call, specific)


def _call(method: str, /, **args: Any) -> Any:
    for current, asked in _ASKED:
        try:
            ctx = current.get_ctx()
        except NotInContext:
            continue
        return asked(ctx).call(method, **args)
    raise NotInContext("There is no context here: only an operation or a workflow can call the manager.")


#: The current contexts, and the connection that serves the calls of each.
_ASKED: tuple[tuple[CurrentContext, Callable[[Any], Any]], ...] = (
    (current_ctx, lambda ctx: ctx._supervisor),
    (current_workflow_ctx, lambda ctx: ctx.internal.connection),
)
