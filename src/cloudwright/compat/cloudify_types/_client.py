"""The manager as the operations of these types ask it: what is refused for good is not tried again."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar

from cloudwright.child.current import ctx
from cloudwright.child.errors import NonRecoverableError, RecoverableError, RequestRefused
from cloudwright.compat.cloudify.manager import get_rest_client
from cloudwright.operation.decorators import operation

P = ParamSpec("P")
T = TypeVar("T")

_OWN_HOSTS = frozenset({"127.0.0.1", "::1", "localhost"})
#: What may be otherwise a moment later.
_PASSING = frozenset({"existing_running_execution_error"})


def resumable_operation(function: Callable[P, T]) -> Callable[P, T]:
    """Mark an operation that can be run again after any interruption.

    A refusal of the manager is an error that is not retried, unless a moment later may be better.
    """

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(*args, **kwargs)
        except RequestRefused as error:
            if error.status_code in (429, 503) or error.error_code in _PASSING:
                raise RecoverableError(error.message) from error
            raise NonRecoverableError(error.message) from error

    return operation(run, resumable=True)  # type: ignore[no-any-return]


def setting(name: str, inputs: Mapping[str, Any]) -> Any:
    """Return what an operation's inputs say, or else the node's properties."""
    return inputs.get(name) or ctx.node.properties.get(name)


def own_client(inputs: Mapping[str, Any]) -> Any:
    """Return the client of this manager. Raises NonRecoverableError if another manager is given."""
    wanted = setting("client", inputs) or {}
    host, tenant = wanted.get("host"), wanted.get("tenant")
    if (host and host not in _OWN_HOSTS) or (tenant and tenant != ctx.tenant_name):
        where = f"manager `{host}`" if host and host not in _OWN_HOSTS else f"tenant `{tenant}`"
        raise NonRecoverableError(
            f"The property `client` of `{ctx.node.id}` names {where}: what a node of type "
            f"`{ctx.node.type}` stands for must be on this manager and in this tenant, where a "
            "cancellation can reach it."
        )
    return get_rest_client()


def found(get: Callable[..., T], *args: Any, **kwargs: Any) -> T | None:
    """Return what ``get`` returns, or None if there is no such thing."""
    try:
        return get(*args, **kwargs)
    except RequestRefused as error:
        if error.status_code == 404:
            return None
        raise


def removed(delete: Callable[..., Any], what: str, *args: Any, **kwargs: Any) -> None:
    """Delete what this instance made, unless it is gone, or others use it, which is logged."""
    try:
        delete(*args, **kwargs)
    except RequestRefused as error:
        if error.status_code == 404:
            ctx.logger.info("There is no %s any more", what)
        elif error.error_code in ("dependent_exists_error", "blueprint_in_use", "plugin_in_use"):
            ctx.logger.warning("%s stays, because it is used: %s", what.capitalize(), error.message)
        else:
            raise
    else:
        ctx.logger.info("Deleted the %s", what)
