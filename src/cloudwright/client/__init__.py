"""A client of the REST API: one method per request, typed records, typed errors.

``connect()`` returns one, and its ``start()`` an execution to follow and to stop; ``connect_async()`` one for
an event loop.

What must always hold:

* it imports nothing else of this project but the types of records, so that it can be used without a manager;
* a request that may have changed something is never sent twice: only reading is repeated, and only if the
  connection broke;
* every failure is a `cloudwright.client.errors.ClientError` whose text says what happened at which URL;
* the HTTP library is imported by `transport` alone, and `errors`, `target` and `records` cost nothing to
  import: a command line may name them before it knows that it will connect. The names here are imported when
  they are used, for the same reason.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cloudwright.client.api import Client
    from cloudwright.client.async_client import AsyncExecutionHandle, AsyncManagerClient, connect_async
    from cloudwright.client.connecting import ManagerClient, connect
    from cloudwright.client.errors import ApiError, ClientError, ConnectionFailed, NotFound
    from cloudwright.client.handles import ExecutionFailed, ExecutionHandle
    from cloudwright.client.records import Page, Slice
    from cloudwright.client.target import Target

__all__ = [
    "ApiError",
    "AsyncExecutionHandle",
    "AsyncManagerClient",
    "Client",
    "ClientError",
    "ConnectionFailed",
    "ExecutionFailed",
    "ExecutionHandle",
    "ManagerClient",
    "NotFound",
    "Page",
    "Slice",
    "Target",
    "connect",
    "connect_async",
]

_MODULES = {
    "api": ("Client",),
    "async_client": ("AsyncExecutionHandle", "AsyncManagerClient", "connect_async"),
    "connecting": ("ManagerClient", "connect"),
    "errors": ("ApiError", "ClientError", "ConnectionFailed", "NotFound"),
    "handles": ("ExecutionFailed", "ExecutionHandle"),
    "records": ("Page", "Slice"),
    "target": ("Target",),
}


def __getattr__(name: str) -> Any:
    for module, names in _MODULES.items():
        if name in names:
            return getattr(importlib.import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
