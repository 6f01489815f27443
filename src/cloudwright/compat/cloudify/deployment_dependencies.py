"""``cloudify.deployment_dependencies``: the names of what one deployment needs of another."""

from __future__ import annotations

from typing import Any

DEPENDENCY_CREATOR = "dependency_creator"
SOURCE_DEPLOYMENT = "source_deployment"
TARGET_DEPLOYMENT = "target_deployment"
TARGET_DEPLOYMENT_FUNC = "target_deployment_func"
EXTERNAL_SOURCE = "external_source"
EXTERNAL_TARGET = "external_target"
VALID_ATTRIBUTES = {
    DEPENDENCY_CREATOR,
    SOURCE_DEPLOYMENT,
    TARGET_DEPLOYMENT,
    TARGET_DEPLOYMENT_FUNC,
    EXTERNAL_SOURCE,
    EXTERNAL_TARGET,
    "id",
    "visibility",
    "created_at",
    "created_by",
}


def build_deployment_dependency(dependency_creator: str, **kwargs: Any) -> dict[str, Any]:
    """Return the stored form of a dependency. Raises ValueError for an unknown attribute."""
    unknown = kwargs.keys() - VALID_ATTRIBUTES
    if unknown:
        raise ValueError(f"A dependency between deployments has no {', '.join(sorted(unknown))}.")
    return {DEPENDENCY_CREATOR: dependency_creator, **{k: v for k, v in kwargs.items() if v}}


def format_dependency_creator(connection_type: str, to_deployment: str) -> str:
    return f"{connection_type}.{to_deployment}"
