"""Hooks: what is done when something happens in an execution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

from cloudwright.client.records import Page, Slice
from cloudwright.client.resources.collection import WHOLE, Collection

if TYPE_CHECKING:
    from cloudwright.model.rest import Hook, HookDelivery


class Hooks(Collection["Hook"]):
    path = "/hooks"

    def list(self, part: Slice = WHOLE) -> Page[Hook]:
        return self._list(part)

    def create_webhook(
        self,
        identifier: str,
        url: str,
        secret: str,
        *,
        statuses: Sequence[str] = (),
        event_types: Sequence[str] = (),
        of_deployment: str | None = None,
    ) -> Hook:
        """Have webhooks posted to ``url``, signed with the secret of the key ``secret``.

        ``statuses`` and ``event_types`` trigger it. Raises BadRequest, NotFound (secret), Conflict.
        """
        return self._create(
            identifier,
            url=url,
            secret=secret,
            statuses=list(statuses),
            event_types=list(event_types),
            of_deployment=of_deployment,
        )

    def create_workflow_hook(
        self,
        identifier: str,
        workflow_id: str,
        *,
        deployment_id: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        event_parameter: str | None = None,
        statuses: Sequence[str] = (),
        event_types: Sequence[str] = (),
        of_deployment: str | None = None,
    ) -> Hook:
        """Have a workflow started, on ``deployment_id`` or else on the deployment of what happened.

        ``event_parameter`` names the parameter that gets what happened. Raises as ``create_webhook`` does.
        """
        return self._create(
            identifier,
            workflow_id=workflow_id,
            deployment_id=deployment_id,
            parameters=dict(parameters or {}),
            event_parameter=event_parameter,
            statuses=list(statuses),
            event_types=list(event_types),
            of_deployment=of_deployment,
        )

    def update(self, identifier: str, **changes: Any) -> Hook:
        """Change fields, such as ``enabled``. Raises NotFound, BadRequest, Forbidden."""
        return cast("Hook", self._transport.request("PATCH", self._one(identifier), json=changes))

    def delete(self, identifier: str) -> None:
        """Delete a hook with its deliveries. Raises NotFound, Forbidden."""
        self._transport.request("DELETE", self._one(identifier))

    def deliveries(
        self, identifier: str, part: Slice = WHOLE, *, states: Sequence[str] = ()
    ) -> Page[HookDelivery]:
        """Return what was done for a hook, the newest first. Raises NotFound."""
        params = {**part.params(), **({"state": ",".join(states)} if states else {})}
        answer = self._transport.request("GET", self._one(identifier, "deliveries"), params=params)
        total = int(answer["metadata"]["pagination"]["total"])
        return Page(cast("list[HookDelivery]", answer["items"]), total)

    def retry(self, identifier: str, delivery_id: str) -> HookDelivery:
        """Have a delivery tried at once. Raises NotFound, and Conflict if it is delivered."""
        path = self._one(identifier, "deliveries", quote(delivery_id, safe=""), "retry")
        return cast("HookDelivery", self._transport.request("POST", path, json={}))

    def _create(self, identifier: str, **body: Any) -> Hook:
        return cast("Hook", self._transport.request("PUT", self._one(identifier), json=body))
