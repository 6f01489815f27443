"""Groups of deployments: made, filled with deployments that exist or are made for them, and emptied."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from cloudwright.errors import InvalidInput, NotFound
from cloudwright.manager.deployments import Deployments
from cloudwright.manager.executions import Executions
from cloudwright.manager.identifiers import check_id, check_visibility
from cloudwright.manager.labels import make_labels
from cloudwright.manager.secrets import Viewer
from cloudwright.model.execution import Caller
from cloudwright.storage import blueprints, deployment_groups, group_members
from cloudwright.storage.deployment_groups import DeploymentGroup, Selection
from cloudwright.storage.records import JsonObject
from cloudwright.storage.store import Connection, Store

#: How many deployments one request makes at most.
MAX_NEW = 5000
#: What a new deployment is called if neither its specification nor its blueprint says it.
ID_TEMPLATE = "{group_id}-{count}"
_PLACE = re.compile(r"\{(\w*)\}")

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class NewDeployment:
    """A deployment to be made in a group. ``id`` and ``display_name`` may hold ``{group_id}``, ``{count}``,
    ``{uuid}``, ``{blueprint_id}``, ``{site_name}``, ``{creator}`` and (the name only) ``{deployment_id}``.
    """

    id: str | None = None
    display_name: str | None = None
    inputs: Mapping[str, Any] = field(default_factory=dict)
    labels: Pairs = ()
    site_name: str | None = None
    runtime_only_evaluation: bool = False


@dataclass(frozen=True, slots=True)
class GroupChanges:
    """What is None stays as it is."""

    visibility: str | None = None
    description: str | None = None
    default_blueprint_id: str | None = None
    default_inputs: dict[str, Any] | None = None
    labels: Pairs | None = None


@dataclass(frozen=True, slots=True)
class Asking:
    """Who changes a group of which tenant. ``caller`` is the process that asks from inside of an
    execution.
    """

    tenant: str
    viewer: Viewer
    caller: Caller | None = None


class DeploymentGroups:
    def __init__(
        self,
        store: Store,
        deployments: Deployments,
        executions: Executions,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._deployments = deployments
        self._executions = executions
        self._clock = clock

    async def get(self, tenant: str, id: str) -> tuple[DeploymentGroup, list[str]]:
        """Return a group and the ids of its deployments. Raises NotFound."""
        return await self._store.read(deployment_groups.get_with_members, tenant, id)

    async def put(
        self,
        asking: Asking,
        id: str,
        changes: GroupChanges,
        *,
        members: Selection | None = None,
        more: Selection | None = None,
        new: Sequence[NewDeployment] = (),
    ) -> None:
        """Create or change a group. ``members`` are then its only deployments, ``more`` come to it, and those
        in ``new`` are made.

        Raises InvalidInput, NotFound, and what making a deployment raises: then none of it was made.
        """
        check_id("deployment group", id)
        if changes.visibility is not None:
            check_visibility(changes.visibility)
        now = self._clock()
        by = asking.viewer.username
        labels = None if changes.labels is None else make_labels(changes.labels, by=by, now=now)
        await self._store.write(_put, asking.tenant, id, changes, labels, members, by, now)
        await self.add(asking, id, more, new)

    async def add(
        self, asking: Asking, id: str, more: Selection | None, new: Sequence[NewDeployment] = ()
    ) -> None:
        """Take deployments into the group, and make new ones in it. Raises as ``put``."""
        if len(new) > MAX_NEW:
            raise InvalidInput(f"{len(new)} new deployments are too many for one request: {MAX_NEW} at most.")
        if more is not None:
            await self._store.write(_add, asking.tenant, id, more, self._clock())
        if new:
            await self._make(asking, id, new)

    async def remove(self, tenant: str, id: str, those: Selection) -> None:
        """Take deployments out of the group. Raises NotFound."""
        await self._store.write(_remove, tenant, id, those)

    async def delete(
        self, tenant: str, id: str, *, with_deployments: bool = False, force: bool = False, by: str | None
    ) -> None:
        """Delete a group; ``with_deployments`` deletes them too, all or none of them.

        Raises NotFound, and DependentExists if a deployment cannot be deleted without ``force``.
        """
        ids: list[str] = []
        if with_deployments:
            ids = (await self.get(tenant, id))[1]
        await self._deployments.delete_many(
            tenant, ids, force=force, by=by, beside=lambda conn: deployment_groups.remove(conn, tenant, id)
        )

    async def _make(self, asking: Asking, id: str, new: Sequence[NewDeployment]) -> None:
        """Make deployments one after the other. If one cannot be made, those before it are deleted."""
        group, _ = await self.get(asking.tenant, id)
        if group.default_blueprint_id is None:
            raise InvalidInput(
                f"Deployment group `{id}` has no default blueprint to make deployments of. Set one with"
                f" `cfy deployments groups update {id} -b BLUEPRINT`."
            )
        template = await self._store.read(_id_template, asking.tenant, group.default_blueprint_id)
        first = await self._store.write(deployment_groups.take_numbers, asking.tenant, id, len(new))
        made: list[str] = []
        try:
            for number, spec in enumerate(new, first):
                if asking.caller is not None:
                    await self._executions.check_may_create(asking.caller)
                made.append(await self._make_one(asking, group, spec, number, template))
        except BaseException:
            await self._deployments.delete_many(asking.tenant, made, force=True, by=asking.viewer.username)
            raise

    async def _make_one(
        self, asking: Asking, group: DeploymentGroup, spec: NewDeployment, number: int, template: str
    ) -> str:
        assert group.default_blueprint_id is not None
        names = {
            "group_id": group.id,
            "count": str(number),
            "uuid": str(uuid.uuid4()),
            "blueprint_id": group.default_blueprint_id,
            "site_name": spec.site_name or "",
            "creator": asking.viewer.username or "",
        }
        deployment_id = _filled(spec.id or template, names)
        row = await self._deployments.create(
            asking.tenant,
            deployment_id,
            group.default_blueprint_id,
            {**group.default_inputs, **spec.inputs},
            viewer=asking.viewer,
            display_name=None
            if spec.display_name is None
            else _filled(spec.display_name, names | {"deployment_id": deployment_id}),
            labels=[*((label["key"], label["value"]) for label in group.labels), *spec.labels],
            visibility=group.visibility,
            site_name=spec.site_name,
            runtime_only_evaluation=spec.runtime_only_evaluation,
            # As the command line's defaults of a group are text.
            auto_correct_types=True,
            group_id=group.id,
        )
        return row.id


def _filled(template: str, names: Mapping[str, str]) -> str:
    """Return a template with its placeholders replaced. Raises InvalidInput."""

    def value(found: re.Match[str]) -> str:
        try:
            return names[found[1]]
        except KeyError:
            known = ", ".join(f"{{{name}}}" for name in names)
            raise InvalidInput(
                f"`{found[0][:100]}` is not a placeholder of `{template[:200]}`; they are: {known}."
            ) from None

    return _PLACE.sub(value, template)


def _id_template(conn: Connection, tenant: str, blueprint_id: str) -> str:
    plan = blueprints.get(conn, tenant, blueprint_id, with_plan=True).plan or {}
    return str((plan.get("deployment_settings") or {}).get("id_template") or ID_TEMPLATE)


def _put(
    conn: Connection,
    tenant: str,
    id: str,
    changes: GroupChanges,
    labels: list[JsonObject] | None,
    only: Selection | None,
    by: str | None,
    now: datetime,
) -> None:
    if changes.default_blueprint_id is not None:
        blueprints.get(conn, tenant, changes.default_blueprint_id)
    given = {
        name: value
        for name in ("visibility", "description", "default_blueprint_id", "default_inputs")
        if (value := getattr(changes, name)) is not None
    }
    if labels is not None:
        given["labels"] = labels
    try:
        deployment_groups.change(conn, tenant, id, given)
    except NotFound:
        new = DeploymentGroup(tenant, id, "tenant", None, None, {}, [], 0, by, now)
        deployment_groups.add(conn, replace(new, **given))
    present = group_members.members(conn, tenant, id)
    if labels:
        group_members.give_labels(conn, tenant, present, labels, now)
    if only is not None:
        kept = deployment_groups.selected(conn, tenant, only)
        group_members.remove(conn, tenant, id, set(present) - set(kept))
        deployment_groups.add_members(conn, tenant, id, kept, now)


def _add(conn: Connection, tenant: str, id: str, more: Selection, now: datetime) -> None:
    deployment_groups.get(conn, tenant, id)
    deployment_groups.add_members(conn, tenant, id, deployment_groups.selected(conn, tenant, more), now)


def _remove(conn: Connection, tenant: str, id: str, those: Selection) -> None:
    deployment_groups.get(conn, tenant, id)
    group_members.remove(conn, tenant, id, deployment_groups.selected(conn, tenant, those))
