"""``cloudify.manager``: the manager's REST API, asked through the process's supervisor."""

from __future__ import annotations

from typing import Any

from cloudwright.child.errors import NonRecoverableError, NotInContext
from cloudwright.child.rest import Record
from cloudwright.compat.cloudify.state import ctx, workflow_ctx
from cloudwright.compat.cloudify_rest_client.client import CloudifyClient
from cloudwright.operation.properties import RuntimeProperties

__all__ = [
    "DirtyTrackingDict",
    "download_resource",
    "get_bootstrap_context",
    "get_node_instance",
    "get_node_instance_ip",
    "get_provider_context",
    "get_resource",
    "get_rest_client",
    "update_execution_status",
    "update_node_instance",
]

DirtyTrackingDict = RuntimeProperties


def get_rest_client(tenant: str | None = None, api_token: str | None = None) -> CloudifyClient:
    """Return the manager's REST API with the rights of the user who started the execution.

    ``tenant`` is another one than the execution's, if that user may use it. Raises NonRecoverableError if
    another user is asked for: this process holds no credentials of anybody's.
    """
    own = _context().tenant_name
    if api_token is not None:
        raise NonRecoverableError(
            "The manager can be asked in the name of this execution's user, and in no other: "
            "get_rest_client() was called with an API token. CloudifyClient(host=..., token=...) can be used."
        )
    return CloudifyClient(tenant=None if tenant == own else tenant)


def get_node_instance(
    node_instance_id: str, evaluate_functions: bool = False, client: CloudifyClient | None = None
) -> Record:
    client = client or get_rest_client()
    instance: Record = client.node_instances.get(node_instance_id, evaluate_functions=evaluate_functions)
    instance["runtime_properties"] = RuntimeProperties(instance.runtime_properties or {})
    return instance


def update_node_instance(node_instance: Record, client: CloudifyClient | None = None) -> None:
    """Store its runtime properties and state.

    Raises CloudifyClientError with status code 409 if it changed meanwhile.
    """
    (client or get_rest_client()).node_instances.update(
        node_instance.id,
        state=node_instance.state,
        runtime_properties=dict(node_instance.runtime_properties),
        version=node_instance.version,
    )


def get_node_instance_ip(node_instance_id: str, client: CloudifyClient | None = None) -> str:
    """Return the address of the instance's host. Raises NonRecoverableError if there is none."""
    client = client or get_rest_client()
    instance = client.node_instances.get(node_instance_id)
    if instance.host_id is None:
        raise NonRecoverableError(f"`{node_instance_id}` has no address: it is not contained in a host.")
    if instance.host_id != node_instance_id:
        instance = client.node_instances.get(instance.host_id)
    address = (instance.runtime_properties or {}).get("ip")
    if not address:
        node = client.nodes.get(instance.deployment_id, instance.node_id)
        address = (node.properties or {}).get("ip")
    if not address:
        raise NonRecoverableError(
            f"`{node_instance_id}` has no address: its host `{instance.id}` has no `ip`."
        )
    return str(address)


def get_resource(blueprint_id: str, deployment_id: str, tenant_name: str, resource_path: str) -> bytes:
    """What a file of the blueprint holds: of this operation's blueprint, whose other ids are not needed."""
    return ctx.get_resource(resource_path)  # type: ignore[no-any-return]


def download_resource(
    blueprint_id: str,
    deployment_id: str,
    tenant_name: str,
    resource_path: str,
    logger: Any,
    target_path: str | None = None,
) -> str:
    """Copy a file of this operation's blueprint; return the path of the copy."""
    return ctx.download_resource(resource_path, target_path)  # type: ignore[no-any-return]


def get_provider_context(client: CloudifyClient | None = None) -> dict[str, Any]:
    """Always empty: there is no such thing any more."""
    return {}


def get_bootstrap_context(client: CloudifyClient | None = None) -> dict[str, Any]:
    """Always empty: there is no such thing any more."""
    return {}


def update_execution_status(
    execution_id: str, status: str, error: str | None = None, client: CloudifyClient | None = None
) -> None:
    """Refused: what an execution's status is, follows from what becomes of it."""
    raise NonRecoverableError(
        f"An execution's status cannot be set: `{status}` was to be set for {execution_id}. A workflow "
        "ends by returning, raising, or raising ExecutionCancelled."
    )


def _context() -> Any:
    for candidate in (ctx, workflow_ctx):
        try:
            return candidate._get_current_object()
        except NotInContext:
            continue
    raise NotInContext(
        "There is no context here: the manager can be called only inside an operation or a workflow."
    )
