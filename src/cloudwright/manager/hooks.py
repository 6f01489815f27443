"""Hooks, made and changed by users. ``manager.hook_sender`` carries them out.

A hook acts as the user who created it: it is told and starts what they may see and start. So nobody else
changes it but those who administer its tenant.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from cloudwright.errors import Forbidden, InvalidInput
from cloudwright.manager.hook_sender import HookSender
from cloudwright.manager.identifiers import check_id
from cloudwright.manager.secrets import Secrets, Viewer
from cloudwright.manager.webhooks import check_url
from cloudwright.manager.workflow_availability import find_workflow
from cloudwright.model.hook import HOOK_STATUSES, Hook
from cloudwright.storage import deployments, hooks
from cloudwright.storage.hooks import Delivery
from cloudwright.storage.store import Store

_MOST_TYPES = 50
_LONGEST_TYPE = 100


class Hooks:
    def __init__(
        self, store: Store, secrets: Secrets, sender: HookSender, clock: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._secrets = secrets
        self._sender = sender
        self._clock = clock

    async def create(self, viewer: Viewer, hook: Hook) -> Hook:
        """Raises InvalidInput, NotFound (secret, deployment), NoSuchWorkflow, Conflict, IllegalAction."""
        check_id("hook", hook.id)
        await self._check(viewer, hook)
        return await self._store.write(hooks.create, replace(hook, created_at=self._clock()))

    async def change(self, viewer: Viewer, tenant: str, id: str, changes: Mapping[str, Any]) -> Hook:
        """Change some fields. Raises NotFound, Forbidden, and what ``create`` raises."""
        old = await self._own(viewer, tenant, id)
        new = replace(old, **changes)
        if (new.url is None) != (old.url is None):
            raise InvalidInput(f"The hook `{id}` cannot become one of the other kind. Make another one.")
        await self._check(viewer, new)
        changed = await self._store.write(hooks.change, tenant, id, changes)
        self._sender.wake()
        return changed

    async def delete(self, viewer: Viewer, tenant: str, id: str) -> None:
        """Delete a hook with its deliveries. Raises NotFound, Forbidden."""
        await self._own(viewer, tenant, id)
        await self._store.write(hooks.remove, tenant, id)

    async def retry(self, viewer: Viewer, tenant: str, hook_id: str, id: str) -> Delivery:
        """Have a delivery tried at once. Raises NotFound, Forbidden, and Conflict if it is delivered."""
        await self._own(viewer, tenant, hook_id)
        delivery = await self._store.write(hooks.retry, tenant, hook_id, id, self._clock())
        self._sender.wake()
        return delivery

    async def _own(self, viewer: Viewer, tenant: str, id: str) -> Hook:
        hook = await self._store.read(hooks.get, tenant, id)
        administers = viewer.is_admin or tenant in viewer.administers
        if not administers and (viewer.username is None or hook.created_by != viewer.username):
            raise Forbidden(
                f"The hook `{id}` is user `{hook.created_by}`'s: only they or an administrator may change it."
            )
        return hook

    async def _check(self, viewer: Viewer, hook: Hook) -> None:
        _check_triggers(hook)
        if (hook.url is None) == (hook.workflow_id is None):
            raise InvalidInput("A hook has a `url` to post to, or a `workflow_id` to start: one of the two.")
        if hook.url is not None:
            if hook.deployment_id or hook.parameters or hook.event_parameter:
                raise InvalidInput(
                    "`deployment_id`, `parameters` and `event_parameter` are of hooks that start a workflow."
                )
            check_url(hook.url)
            await self._check_secret(viewer, hook)
        else:
            if hook.secret is not None:
                raise InvalidInput("`secret` is of hooks that post to a `url`.")
            await self._check_workflow(hook)

    async def _check_secret(self, viewer: Viewer, hook: Hook) -> None:
        if not hook.secret:
            raise InvalidInput(
                "A webhook needs a `secret`, the key of one with which it is signed: "
                "`cfy secrets create KEY` makes one."
            )
        _, value = await self._secrets.get(replace(viewer, uses=True), hook.tenant, hook.secret)
        if not isinstance(value, str):
            raise InvalidInput(f"The secret `{hook.secret}` is not a text, and cannot sign.")

    async def _check_workflow(self, hook: Hook) -> None:
        """If it is known already which deployment it is of, look for the workflow."""
        target = hook.deployment_id or hook.of_deployment
        if target is not None:
            deployment = await self._store.read(deployments.get, hook.tenant, target)
            find_workflow(deployment, hook.workflow_id or "")


def _check_triggers(hook: Hook) -> None:
    if not hook.event_types and not hook.statuses:
        raise InvalidInput("A hook needs `statuses` or `event_types` that trigger it.")
    for status in hook.statuses:
        if status not in HOOK_STATUSES:
            raise InvalidInput(
                f"`{status[:100]}` is not a status that triggers a hook; "
                f"these do: {', '.join(HOOK_STATUSES)}."
            )
    if len(hook.event_types) > _MOST_TYPES:
        raise InvalidInput(f"A hook has {_MOST_TYPES} types of events at most; `*` stands for any letters.")
    for name in hook.event_types:
        if not name or len(name) > _LONGEST_TYPE or not name.isprintable():
            raise InvalidInput(f"`{name[:100]}` is not a type of events.")
