"""Which other deployments the functions of a deployment read from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

_FUNCTION = "get_capability"


class CapabilityUse(NamedTuple):
    """A ``get_capability``. ``path`` says where it is; ``target`` is the deployment that it reads from, None
    if that is known at run time only, from ``function``; ``name`` is the capability, None if it is not known.
    """

    path: str
    target: str | None
    function: Any
    name: str | None = None


def capability_uses(
    nodes: Iterable[Mapping[str, Any]], outputs: Mapping[str, Any], capabilities: Mapping[str, Any]
) -> list[CapabilityUse]:
    """Return the uses of capabilities in the nodes, outputs and capabilities of a deployment."""
    walk = _Walk()
    found: list[CapabilityUse] = []
    for node in nodes:
        here = f"nodes.{node['id']}"
        found += walk.uses(node["properties"], f"{here}.properties")
        for name, operation in node["operations"].items():
            # The short names, under which operations are there a second time, have no dot.
            if "." in name:
                found += walk.uses(operation.get("inputs"), f"{here}.operations.{name}.inputs")
        for relationship in node["relationships"]:
            there = f"{here}.relationships.{relationship['target_id']}"
            found += walk.uses(relationship.get("properties"), f"{there}.properties")
            for side in ("source_operations", "target_operations"):
                for name, operation in relationship[side].items():
                    if "." in name:
                        found += walk.uses(operation.get("inputs"), f"{there}.{side}.{name}.inputs")
    for section, values in (("outputs", outputs), ("capabilities", capabilities)):
        for name, definition in values.items():
            found += walk.uses(definition.get("value"), f"{section}.{name}")
    return found


class _Walk:
    """Nodes share what they have in common: each part without a use is looked at once."""

    def __init__(self) -> None:
        self._clean: dict[int, Any] = {}

    def uses(self, value: Any, path: str) -> list[CapabilityUse]:
        if not isinstance(value, dict | list) or id(value) in self._clean:
            return []
        found = list(self._inside(value, path))
        if not found:
            # Kept, so that no other object gets its id.
            self._clean[id(value)] = value
        return found

    def _inside(self, value: Any, path: str) -> Iterator[CapabilityUse]:
        if isinstance(value, list):
            for place, item in enumerate(value):
                yield from self.uses(item, f"{path}[{place}]")
            return
        for key, item in value.items():
            if key == _FUNCTION and len(value) == 1 and isinstance(item, list) and item:
                target = item[0]
                known = isinstance(target, str)
                name = item[1] if len(item) > 1 and isinstance(item[1], str) else None
                yield CapabilityUse(
                    f"{path}.{_FUNCTION}", target if known else None, None if known else target, name
                )
            yield from self.uses(item, f"{path}.{key}")
