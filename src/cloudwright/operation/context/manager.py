"""What an operation asks its manager about the manager itself."""

from __future__ import annotations

from typing import Any, ClassVar

from cloudwright.child import rest
from cloudwright.child.errors import NonRecoverableError
from cloudwright.child.rest import Record
from cloudwright.operation.host_connection import HostConnection


class ManagerQuestions:
    """Part of ``ctx``. A process has no credentials, so what would be one is None."""

    _supervisor: HostConnection

    rest_token: ClassVar[None] = None
    execution_token: ClassVar[None] = None
    rest_ssl_cert: ClassVar[None] = None
    bypass_maintenance: ClassVar[bool] = False
    execution_env: ClassVar[dict[str, str]] = {}

    def get_managers(self, network: str = "default") -> list[str]:
        """Return the addresses of the managers."""
        found = rest.records(self._supervisor.call, "/managers")
        return [str((item.networks or {}).get(network) or item.private_ip) for item in found]

    def get_brokers(self, network: str = "default") -> list[str]:
        """Return the addresses of the brokers; a manager that has none answers with its own."""
        found = rest.records(self._supervisor.call, "/brokers")
        return [str((item.networks or {}).get(network) or item.host) for item in found]

    def get_config(self, name: str | None = None, scope: str | None = None) -> Any:
        """Return one setting of the manager by its name, or a page of all, or of all of a scope.

        Raises RequestRefused, with status_code 404, if there is none.
        """
        if name is not None:
            path = f"/config/{scope}.{name}" if scope else f"/config/{name}"
            return rest.record(self._supervisor.call, path)
        return rest.records(self._supervisor.call, "/config", {"scope": scope} if scope else {})

    @property
    def rest_host(self) -> str:
        """The address of a manager, for programs that connect to it."""
        return self.get_managers()[0]

    @property
    def rest_port(self) -> int | None:
        """The port of the manager's REST API; None: it is not told."""
        return None

    def update_operation(self, state: str) -> Record:
        """Refused: the manager stores what becomes of an operation."""
        raise NonRecoverableError(
            f"An operation's state cannot be set to `{state}`: it follows from how the operation ends."
        )
