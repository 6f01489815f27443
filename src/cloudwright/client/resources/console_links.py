"""Links to the web console: create."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from cloudwright.client.transport import Transport

if TYPE_CHECKING:
    from cloudwright.model.rest import ConsoleLink


class ConsoleLinks:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(self) -> ConsoleLink:
        """Create a link that opens the console as the current user once, and return it."""
        return cast("ConsoleLink", self._transport.request("POST", "/console-links", json={}))
