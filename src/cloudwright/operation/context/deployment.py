"""``ctx.blueprint``, ``ctx.deployment`` and ``ctx.bootstrap_context``."""

from __future__ import annotations

from typing import Any


class BlueprintContext:
    def __init__(self, blueprint: dict[str, Any]) -> None:
        self.id: str | None = blueprint.get("id")


class DeploymentContext:
    def __init__(self, deployment: dict[str, Any], tenant_name: str | None, creator: str | None) -> None:
        self.id: str | None = deployment.get("id")
        self.display_name: str | None = deployment.get("display_name")
        self.tenant_name = tenant_name
        self.creator = creator
        self.inputs: dict[str, Any] = deployment.get("inputs") or {}
        self.resource_tags: dict[str, Any] | None = deployment.get("resource_tags")
        self.runtime_only_evaluation: bool = bool(deployment.get("runtime_only_evaluation"))


class _Settings:
    """Settings by attribute; those that are not set are None."""

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = values

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self._values.get(name)


class BootstrapContext:
    """How a manager was set up, for plugins that ask; a manager without such settings has none of them."""

    def __init__(self, bootstrap_context: dict[str, Any]) -> None:
        self.cloudify_agent = _Settings(bootstrap_context.get("cloudify_agent") or {})
        self.policy_engine = _Settings(bootstrap_context.get("policy_engine") or {})
        self.resources_prefix: str = bootstrap_context.get("resources_prefix") or ""
