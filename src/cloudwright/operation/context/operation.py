"""``ctx.operation`` and ``ctx.plugin``."""

from __future__ import annotations

import os
import sys
from typing import Any

from cloudwright.child.errors import NonRecoverableError, OperationRetry


class OperationContext:
    """The operation itself: ``ctx.operation``."""

    def __init__(self, operation: dict[str, Any]) -> None:
        self._operation = operation
        #: Set by retry: what is raised when the function has returned.
        self._operation_retry: OperationRetry | None = None

    @property
    def name(self) -> str | None:
        """Its full name: `cloudify.interfaces.lifecycle.create`."""
        return self._operation.get("name")

    @property
    def retry_number(self) -> int:
        """How often this run of the workflow has retried it: 0 in its first attempt."""
        return int(self._operation.get("retry_number") or 0)

    @property
    def max_retries(self) -> int | None:
        """How often it may be retried; -1 is unlimited."""
        return self._operation.get("max_retries")

    @property
    def relationship(self) -> str | None:
        """The side of a relationship that the operation belongs to, `source` or `target`; else None."""
        return self._operation.get("side")

    def retry(self, message: str | None = None, retry_after: float | str | None = None) -> None:
        """Have the operation retried, ``retry_after`` seconds after it returned.

        None leaves the wait to the retry policy. The attempt counts as a retry.
        """
        if isinstance(retry_after, str):  # a script's
            try:
                retry_after = float(retry_after)
            except ValueError:
                raise NonRecoverableError(
                    f"The operation asked to be run again after `{retry_after}`, which is not a number "
                    "of seconds."
                ) from None
        self._operation_retry = OperationRetry(message, retry_after)


class PluginContext(str):
    """The plugin that the operation belongs to. It is its name, too: older plugins compare it with one."""

    _plugin: dict[str, Any]
    _workdir: str | None

    def __new__(cls, plugin: dict[str, Any], workdir: str | None = None) -> PluginContext:
        self = super().__new__(cls, plugin.get("name") or "")
        self._plugin = plugin
        self._workdir = workdir
        return self

    @property
    def name(self) -> str:
        return str(self)

    @property
    def package_name(self) -> str | None:
        return self._plugin.get("package_name")

    @property
    def package_version(self) -> str | None:
        return self._plugin.get("package_version") or self._plugin.get("version")

    @property
    def source(self) -> str | None:
        return self._plugin.get("source")

    @property
    def properties(self) -> dict[str, Any]:
        return self._plugin.get("properties") or {}

    @property
    def prefix(self) -> str:
        """The folder of the Python environment that the plugin is installed in."""
        return sys.prefix

    @property
    def workdir(self) -> str | None:
        """A folder that the plugin may keep things in; None if it has no name."""
        if self._workdir:
            os.makedirs(self._workdir, exist_ok=True)
        return self._workdir
