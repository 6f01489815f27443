"""The manager itself: its configuration, its maintenance mode, and how many of what it has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from cloudwright.client.resources.collection import as_text
from cloudwright.client.transport import Transport

if TYPE_CHECKING:
    from cloudwright.model.rest import ConfigItem, Maintenance


class Administration:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def config(self) -> Sequence[ConfigItem]:
        """Return the settings that clients and plugins use."""
        answer = self._transport.request("GET", "/config")
        return cast("Sequence[ConfigItem]", answer["items"])

    def set_config(self, name: str, value: Any) -> ConfigItem:
        """Change a setting. Raises NotFound, Conflict, BadRequest."""
        return cast("ConfigItem", self._transport.request("PUT", f"/config/{name}", json={"value": value}))

    def maintenance(self) -> Maintenance:
        return cast("Maintenance", self._transport.request("GET", "/maintenance"))

    def set_maintenance(self, active: bool) -> None:
        """Turn the maintenance mode on or off. Does nothing if it already has that state."""
        self._transport.request("POST", f"/maintenance/{'activate' if active else 'deactivate'}")

    def summary(
        self, resource: str, target: str, part: str | None = None, *, all_tenants: bool = False
    ) -> Sequence[Mapping[str, Any]]:
        """Return how many records ``resource`` has for each value of ``target``, and of ``part`` in it."""
        params = {"_target_field": target, "_all_tenants": as_text(all_tenants), "_get_all_results": "true"}
        if part:
            params["_sub_field"] = part
        answer = self._transport.request("GET", f"/summary/{resource}", params=params)
        return cast("Sequence[Mapping[str, Any]]", answer["items"])
