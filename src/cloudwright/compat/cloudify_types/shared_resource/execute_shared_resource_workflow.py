"""The manager on which what a node of type ``cloudify.nodes.SharedResource`` stands for is."""

from __future__ import annotations

from typing import Any

from cloudwright.child.current import ctx


def _get_target_shared_resource_client() -> dict[str, Any]:
    """Return the property ``client`` of a relationship's target: nothing for the own manager."""
    return ctx.target.node.properties.get("client") or {}
