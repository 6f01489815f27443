"""Agents of hosts."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from cloudwright.client.records import Page, Slice
from cloudwright.client.resources.collection import WHOLE, Collection

if TYPE_CHECKING:
    from cloudwright.model.rest import Agent, Enrolment


class Agents(Collection["Agent"]):
    path = "/agents"

    def list(self, part: Slice = WHOLE, *, deployment_id: str | None = None) -> Page[Agent]:
        return self._list(part, deployment_id=deployment_id)

    def enroll(self, name: str) -> Enrolment:
        """Make a new ``token`` for the agent of the host ``name``, which is made if there is none."""
        return cast("Enrolment", self._transport.request("POST", f"{self._one(name)}/enrolment", json={}))

    def delete(self, name: str, *, force: bool = False) -> None:
        """Delete an agent. ``force``: what runs on it is recorded as lost."""
        params = {"force": "true"} if force else None
        self._transport.request("DELETE", self._one(name), params=params)
