"""The methods that workflows and operations may call (the ``call`` frames of docs/concepts/frames.md)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from cloudwright.bus.protocol import Bus
from cloudwright.dsl.namespaces import DELIMITER
from cloudwright.errors import InvalidInput, NotFound, Unavailable
from cloudwright.manager.awaited import Awaited
from cloudwright.manager.evaluation_scope import stored_scope
from cloudwright.manager.execution_context import ExecutionSnapshot, instance_frame
from cloudwright.manager.redaction import Concealment
from cloudwright.manager.secrets import Secrets
from cloudwright.manager.viewers import executing_viewer
from cloudwright.model.execution import END_STATUSES, Caller
from cloudwright.model.frames.methods import METHODS, RestRequest, call_problem
from cloudwright.model.topology import NodeInstance
from cloudwright.planning import Scope, evaluate, evaluate_inputs, holds_functions
from cloudwright.storage import deployments, instances, manager_queries
from cloudwright.storage.store import Connection, Store

P = ParamSpec("P")
T = TypeVar("T")

#: Makes a REST request with the rights of the execution's user.
Rest = Callable[[ExecutionSnapshot, Caller, RestRequest], Awaitable[dict[str, Any]]]


class ChildRpc:
    def __init__(self, store: Store, bus: Bus, secrets: Secrets, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._bus = bus
        self._secrets = secrets
        self._clock = clock
        #: Set once the REST API exists.
        self.rest: Rest | None = None

    async def handle(
        self,
        snapshot: ExecutionSnapshot,
        method: str,
        args: dict[str, Any],
        *,
        scope: dict[str, Any] | None = None,
        aware: bool = False,
        operation_id: str | None = None,
    ) -> Any:
        """Return the value of a call; ``aware`` is whether the child knows of a request to cancel, and
        ``operation_id`` which operation it is, if it is one.

        Raises errors.CloudwrightError, which the child is sent."""
        problem = call_problem(method, args, METHODS)
        if problem is not None:
            raise InvalidInput(problem)
        tenant, deployment_id = snapshot.execution.tenant, snapshot.deployment.id
        match method:
            case "node_instance":
                return instance_frame(await self._look(_own_instance, tenant, deployment_id, str(args["id"])))
            case "node_instances":
                rows = await self._look(instances.node_instances, tenant, deployment_id)
                return [instance_frame(row) for row in rows]
            case "node":
                name = str(args["id"])
                if name not in snapshot.nodes:
                    raise NotFound(f"Deployment `{deployment_id}` has no node `{name}`.")
                return snapshot.node(name)
            case "update_node_instance":
                return instance_frame(
                    await self._store.write_about(
                        (), _update_own_instance, tenant, deployment_id, args, self._clock()
                    )
                )
            case "evaluate":
                own = {"self": args["instance"]} if args.get("instance") else (scope or {})
                return await self.evaluate(snapshot, args["value"], own)
            case "execution":
                row = await self._look(
                    manager_queries.get,
                    str(args.get("id") or snapshot.execution.id),
                    tenant=tenant,
                )
                return {
                    "id": row.id,
                    "status": str(row.status),
                    "workflow_id": row.workflow_id,
                    "parameters": row.parameters,
                }
            case "deployment":
                other = await self._look(deployments.get, tenant, str(args.get("id") or deployment_id))
                return {
                    "id": other.id,
                    "display_name": other.display_name,
                    "inputs": other.inputs,
                    "blueprint_id": other.blueprint_id,
                }
            case "read_resource":
                return str(_resource(snapshot, str(args["path"])))
            case "rest":
                if self.rest is None:
                    raise Unavailable("The REST API is not ready yet.")
                self._conceal(snapshot)  # The answer may hold secrets.
                return await self.rest(
                    snapshot,
                    Caller(snapshot.execution.id, aware, operation_id),
                    cast(RestRequest, args),
                )
            case "await_execution":
                return await self._await_execution(tenant, args)
        raise AssertionError(f"`{method}` is in METHODS but has no handler")

    async def _await_execution(self, tenant: str, args: dict[str, Any]) -> dict[str, Any]:
        id, after = str(args["id"]), args.get("events_after")
        async with Awaited(self._store, self._bus, [id], events=after is not None) as awaited:
            row = await awaited.news(tenant, id, after, timeout=args.get("timeout"))
        return {
            "id": row.id,
            "status": str(row.status),
            "over": row.status in END_STATUSES,
            "error": row.error,
            "cancel_requested_by": row.cancel_requested_by,
        }

    def _look(
        self, query: Callable[Concatenate[Connection, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> Awaitable[T]:
        # By the writer, which waits for a database that is away: a reader would fail the call.
        return self._store.write_about((), query, *args, **kwargs)

    async def evaluate(self, snapshot: ExecutionSnapshot, value: Any, scope: dict[str, Any]) -> Any:
        """``value`` with its intrinsic functions evaluated, as things are now."""
        if not holds_functions(value):
            return value
        return await self._evaluated(evaluate, snapshot, value, scope)

    async def evaluate_inputs(
        self, snapshot: ExecutionSnapshot, inputs: dict[str, Any], scope: dict[str, Any]
    ) -> dict[str, Any]:
        """Return an operation's inputs with their functions evaluated: one that is named like a function is
        data.
        """
        evaluated: dict[str, Any] = await self._evaluated(evaluate_inputs, snapshot, inputs, scope)
        return evaluated

    async def _evaluated(
        self,
        how: Callable[[Any, Scope], Any],
        snapshot: ExecutionSnapshot,
        value: Any,
        ids: dict[str, Any],
    ) -> Any:
        def look(conn: Connection) -> tuple[Any, Collection[str]]:
            execution = snapshot.execution
            secret = self._secrets.reader(
                conn, partial(executing_viewer, conn, execution.created_by), execution.tenant
            )
            scope = stored_scope(
                conn,
                snapshot.deployment,
                secret,
                self_id=ids.get("self"),
                source_id=ids.get("source"),
                target_id=ids.get("target"),
            )
            return how(value, scope), secret.known.values()

        evaluated, known = await self._look(look)
        if known:
            # Before the child gets them: from here on it may say them.
            self._conceal(snapshot).learn(known)
        return evaluated

    def seal(self, snapshot: ExecutionSnapshot, value: Any) -> Any:
        """Return inputs or a result as they are stored: with the secrets that it read encrypted."""
        return self._secrets.seal(snapshot.execution.id, snapshot.concealment, value)

    def unseal(self, snapshot: ExecutionSnapshot, value: Any) -> Any:
        """Return what ``seal`` made as it was before. Raises Unreadable."""
        return self._secrets.unseal(snapshot.execution.id, self._conceal(snapshot), value)

    def _conceal(self, snapshot: ExecutionSnapshot) -> Concealment:
        """Return the values that the execution has read, which are kept out of its records from here on."""
        self._secrets.concealments.add(snapshot.execution.id, snapshot.concealment)
        return snapshot.concealment


def resource(folder: Path, path: str) -> Path:
    """Return a file of the blueprint's. Raises NotFound, InvalidInput if the path leads out of the
    blueprint.
    """
    root = folder.resolve()
    file = (root / path.lstrip("/")).resolve()
    if root != file and root not in file.parents:
        raise InvalidInput(f"`{path}` leads out of the blueprint's folder.")
    if not file.is_file():
        raise NotFound(f"The blueprint has no file `{path}`.")
    return file


def _resource(snapshot: ExecutionSnapshot, path: str) -> Path:
    """Return a file of the blueprint's, or of one that it imports under the namespaces that the path begins
    with.
    """
    parts = path.split(DELIMITER)
    for count in range(len(parts) - 1, 0, -1):
        folder = snapshot.imported.get(DELIMITER.join(parts[:count]))
        if folder is not None:
            name = DELIMITER.join(parts[count:])
            # What is left of the namespaces is of files that the imported blueprint imports itself.
            return resource(folder, name if (folder / name).is_file() else parts[-1])
    return resource(snapshot.blueprint_path, path)


def _own_instance(conn: Connection, tenant: str, deployment_id: str, id: str) -> NodeInstance:
    instance = instances.get_instance(conn, tenant, id)
    if instance.deployment_id != deployment_id:
        raise NotFound(f"Deployment `{deployment_id}` has no node instance `{id}`.")
    return instance


def _update_own_instance(
    conn: Connection, tenant: str, deployment_id: str, args: dict[str, Any], now: datetime
) -> NodeInstance:
    _own_instance(conn, tenant, deployment_id, str(args["id"]))
    return instances.update_instance(
        conn,
        tenant,
        str(args["id"]),
        version=args.get("version"),
        runtime_properties=args.get("runtime_properties"),
        state=args.get("state"),
        now=now,
    )
