"""``cloudify_types.blueprint``: a blueprint that is uploaded with a deployment, and goes with it."""

from __future__ import annotations

from typing import Any

from cloudwright.compat.cloudify_types._client import own_client, resumable_operation, setting
from cloudwright.compat.cloudify_types._provisions import (
    provide_blueprint,
    provide_plugins,
    provide_secrets,
    remove_blueprint,
    remove_plugins,
    remove_secrets,
)

__all__ = ["delete", "upload"]


@resumable_operation
def upload(**inputs: Any) -> bool:
    """Upload the blueprint, and the plugins and secrets that the node names."""
    client = own_client(inputs)
    provide_secrets(client, setting("secrets", inputs))
    provide_plugins(client, setting("plugins", inputs))
    provide_blueprint(client, setting("resource_config", inputs) or {})
    return True


@resumable_operation
def delete(**inputs: Any) -> bool:
    """Delete what ``upload`` made."""
    client = own_client(inputs)
    remove_blueprint(client)
    remove_plugins(client)
    remove_secrets(client)
    return True
