"""The plan: what a blueprint means, with everything resolved that does not depend on a deployment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudwright.dsl.versions import VERSIONS, Version
from cloudwright.model.node_packing import SHARED, pack_plan, unpack_plan


class Plan:
    """A read-only view of a plan, whose shape is that of ``docs/reference/plan.md``.

    Nodes share what they have in common, so neither the plan nor anything in it may be changed in place.
    """

    __slots__ = ("_data",)

    def __init__(self, data: Mapping[str, Any]) -> None:
        self._data = data

    def to_json(self) -> dict[str, Any]:
        """Return the plan as it is served. As text it repeats what nodes share; ``pack()`` does not."""
        return dict(self._data)

    def pack(self) -> dict[str, Any]:
        """Return the plan without repetition; ``from_json`` reads it."""
        return pack_plan(self._data)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Plan:
        """Return the plan that ``to_json`` or ``pack`` made."""
        return cls(unpack_plan(data) if SHARED in data else data)

    @property
    def version(self) -> Version:
        return VERSIONS[self._data["version"]["raw"]]

    @property
    def description(self) -> str | None:
        text: str | None = self._data.get("description")
        return text

    @property
    def nodes(self) -> list[dict[str, Any]]:
        return list(self._data["nodes"])

    def section(self, name: str) -> Any:
        """Return a part of the plan by its key in ``docs/reference/plan.md``; None if this plan has none."""
        return self._data.get(name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Plan) and self._data == other._data

    __hash__ = None  # type: ignore[assignment]
