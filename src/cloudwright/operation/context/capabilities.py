"""``ctx.capabilities``, which is deprecated."""

from __future__ import annotations

from typing import Any

from cloudwright.child.errors import NonRecoverableError


class ContextCapabilities:
    """The runtime properties of what an instance has relationships with; the older way to reach them."""

    def __init__(self, instance: Any) -> None:
        self._instance = instance

    def get_all(self) -> dict[str, dict[str, Any]]:
        """Runtime properties by the id of their instance."""
        return {
            relationship.target.instance.id: relationship.target.instance.runtime_properties
            for relationship in self._instance.relationships
        }

    def __getitem__(self, key: str) -> Any:
        """Raises NonRecoverableError unless exactly one of them has ``key``."""
        having = {id: properties for id, properties in self.get_all().items() if key in properties}
        if len(having) == 1:
            return having.popitem()[1][key]
        found = f"several have it: {', '.join(having)}" if having else "none has it"
        raise NonRecoverableError(
            f"Exactly one target of `{self._instance.id}` must have the runtime property `{key}`: {found}."
        )

    def __contains__(self, key: str) -> bool:
        return any(key in properties for properties in self.get_all().values())

    def __str__(self) -> str:
        return str(self.get_all())
