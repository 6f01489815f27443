"""The sections ``policy_types``, ``policy_triggers`` and ``groups``."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from cloudwright.dsl.problems import Path, closest, listing
from cloudwright.dsl.schemas import SchemaReader
from cloudwright.dsl.structure_checks import LIST, MAPPING, REQUIRED_STRING, Checker, Field, Shape
from cloudwright.dsl.values import Schema, Values

SECTION = "groups"
TYPE: Shape = {"properties": MAPPING, "source": REQUIRED_STRING}
TRIGGER_TYPE: Shape = {"parameters": MAPPING, "source": REQUIRED_STRING}
GROUP: Shape = {"members": Field(LIST.types, required=True), "policies": MAPPING}
POLICY: Shape = {"type": REQUIRED_STRING, "properties": MAPPING, "triggers": MAPPING}
TRIGGER: Shape = {"type": REQUIRED_STRING, "parameters": MAPPING}


def read_policy_types(
    checker: Checker, schemas: SchemaReader, section: str, raw: Any
) -> dict[str, dict[str, Any]]:
    """``policy_types``, or (``section``) ``policy_triggers``, which have parameters instead of properties."""
    key, shape, kind = ("properties", TYPE, "policy type")
    if section == "policy_triggers":
        key, shape, kind = ("parameters", TRIGGER_TYPE, "policy trigger")
    result: dict[str, dict[str, Any]] = {}
    if raw is None or not checker.names((section,), raw):
        return result
    for name, entry in raw.items():
        if checker.fields((section, name), entry, shape, kind):
            declared = schemas.properties((section, name, key), entry.get(key)).declared
            result[name] = {key: declared, "source": entry["source"]}
    return result


class GroupReader:
    def __init__(
        self,
        checker: Checker,
        values: Values,
        policy_types: Mapping[str, dict[str, Any]],
        triggers: Mapping[str, dict[str, Any]],
    ) -> None:
        self._checker = checker
        self._problems = checker.problems
        self._values = values
        self._policy_types = {
            name: Schema(f"The policy type `{name}`", entry["properties"])
            for name, entry in policy_types.items()
        }
        self._triggers = {
            name: Schema(f"The policy trigger `{name}`", entry["parameters"])
            for name, entry in triggers.items()
        }

    def read(self, raw: Any, nodes: Collection[str]) -> dict[str, dict[str, Any]]:
        """Groups by name; their members are nodes and other groups."""
        result: dict[str, dict[str, Any]] = {}
        if raw is None or not self._checker.names((SECTION,), raw):
            return result
        for name, entry in raw.items():
            path = (SECTION, name)
            if not self._checker.fields(path, entry, GROUP, "group"):
                continue
            if name in nodes:
                self._problems.add(path, f"A group and a node template are both named `{name}`.", key=True)
            members = self._members(path, entry["members"], nodes, raw)
            result[name] = {
                "members": members,
                "policies": self._policies((*path, "policies"), entry.get("policies") or {}),
            }
        return result

    def _members(
        self, path: Path, raw: list[Any], nodes: Collection[str], groups: Collection[str]
    ) -> list[str]:
        if not raw:
            self._problems.add(
                (*path, "members"), "This group has no members.", expected="at least one node or group"
            )
        members = []
        for index, member in enumerate(raw):
            if not self._checker.is_a((*path, "members", index), member, str):
                continue
            if member in nodes or member in groups:
                members.append(member)
                continue
            self._problems.add(
                (*path, "members", index),
                f"There is no node template and no group `{member}`.",
                suggestion=closest(member, [*nodes, *groups]),
            )
        return list(dict.fromkeys(members))

    def _policies(self, path: Path, raw: dict[str, Any]) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for name, entry in raw.items():
            place = (*path, name)
            if not self._checker.fields(place, entry, POLICY, "policy of a group"):
                continue
            result[name] = {
                "type": entry["type"],
                "properties": self._filled(place, entry, "properties", "policy type", self._policy_types),
                "triggers": self._trigger_entries((*place, "triggers"), entry.get("triggers") or {}),
            }
        return result

    def _trigger_entries(self, path: Path, raw: dict[str, Any]) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for name, entry in raw.items():
            if self._checker.fields((*path, name), entry, TRIGGER, "trigger"):
                result[name] = {
                    "type": entry["type"],
                    "parameters": self._filled(
                        (*path, name), entry, "parameters", "policy trigger", self._triggers
                    ),
                }
        return result

    def _filled(
        self, path: Path, entry: dict[str, Any], key: str, kind: str, schemas: Mapping[str, Schema]
    ) -> dict[str, Any]:
        schema = schemas.get(entry["type"])
        if schema is None:
            self._problems.add(
                (*path, "type"),
                f"There is no {kind} `{entry['type']}`.",
                expected=f"one of {listing(schemas)}",
                suggestion=closest(entry["type"], schemas),
            )
            return {}
        return self._values.properties(entry.get(key) or {}, schema, (*path, key))
