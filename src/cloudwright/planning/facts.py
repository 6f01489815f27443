"""What ``get_sys`` knows of the deployment in which it is evaluated."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SystemFacts:
    deployment_id: str
    tenant: str = "default_tenant"
    blueprint_id: str = ""
    owner: str = ""
    display_name: str = ""

    def get(self, entity: str, name: str) -> str | None:
        """Return the fact that ``get_sys: [entity, name]`` asks for; None if there is no such fact."""
        return {
            ("tenant", "name"): self.tenant,
            ("deployment", "id"): self.deployment_id,
            ("deployment", "name"): self.display_name or self.deployment_id,
            ("deployment", "blueprint"): self.blueprint_id,
            ("deployment", "owner"): self.owner,
        }.get((entity, name))
