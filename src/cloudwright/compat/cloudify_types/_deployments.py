"""The deployment that an instance stands for: its record, its state and its capabilities."""

from __future__ import annotations

from typing import Any

from cloudwright.child.current import ctx
from cloudwright.child.errors import NonRecoverableError
from cloudwright.compat.cloudify_types._client import found

DEPLOYMENT, CAPABILITIES = "deployment", "capabilities"


def recorded_id(optional: bool = False, instance: Any = None) -> str | None:
    """Return the id of the instance's deployment. Raises NonRecoverableError if it has none, unless
    ``optional``.
    """
    instance = instance or ctx.instance
    id = (instance.runtime_properties.get(DEPLOYMENT) or {}).get("id")
    if id is None and not optional:
        raise NonRecoverableError(f"`{instance.id}` has no deployment: it is not installed.")
    return None if id is None else str(id)


def deployment_of(instance: Any = None) -> str:
    """Return the id of the instance's deployment. Raises NonRecoverableError if it has none."""
    id = recorded_id(instance=instance)
    assert id is not None
    return id


def keep_capabilities(client: Any, id: str, instance: Any = None) -> None:
    """Keep in the runtime properties which capabilities the deployment has."""
    there = client.deployments.capabilities.get(id)["capabilities"]
    (instance or ctx.instance).runtime_properties[CAPABILITIES] = dict(there)


def capabilities_drift(client: Any, id: str) -> list[str]:
    """Return the names of the capabilities that are not what was kept."""
    kept = ctx.instance.runtime_properties.get(CAPABILITIES) or {}
    there = client.deployments.capabilities.get(id)["capabilities"]
    return sorted(
        name for name in kept.keys() | there.keys() if name not in there or kept.get(name) != there[name]
    )


def check_state(client: Any, id: str) -> None:
    """Raise NonRecoverableError if the deployment is missing, not installed, or its last execution failed."""
    there = found(client.deployments.get, id, _include=["id", "installation_status", "deployment_status"])
    if there is None:
        raise NonRecoverableError(f"Deployment `{id}`, which `{ctx.instance.id}` uses, is missing.")
    if there["installation_status"] != "active":
        raise NonRecoverableError(f"Deployment `{id}` is not installed.")
    if there["deployment_status"] == "requires_attention":
        raise NonRecoverableError(f"Deployment `{id}` requires attention.")
