"""The section ``workflows``."""

from __future__ import annotations

from typing import Any

from cloudwright.dsl.plugins import Mappings
from cloudwright.dsl.problems import Path, closest, listing
from cloudwright.dsl.schemas import SchemaReader
from cloudwright.dsl.structure_checks import (
    BOOLEAN,
    LIST,
    MAPPING,
    NUMBER,
    REQUIRED_STRING,
    Checker,
    Field,
    Shape,
)

SECTION = "workflows"
SHAPE: Shape = {
    "mapping": REQUIRED_STRING,
    "parameters": MAPPING,
    "is_cascading": BOOLEAN,
    "availability_rules": MAPPING,
    "timeout": Field(NUMBER),
}
_RULES: Shape = {"available": BOOLEAN, "node_instances_active": LIST, "node_types_required": LIST}
#: The longest that a workflow may be allowed to run (seconds).
LONGEST = 10**9
_ACTIVE = ("all", "partial", "none")


def read_workflows(
    checker: Checker, schemas: SchemaReader, mappings: Mappings, raw: Any
) -> dict[str, dict[str, Any]]:
    result: dict[str, dict[str, Any]] = {}
    if raw is None or not checker.names((SECTION,), raw):
        return result
    for name, entry in raw.items():
        workflow = _workflow(checker, schemas, mappings, (SECTION, name), entry)
        if workflow is not None:
            result[name] = workflow
    return result


def plugins_of(workflows: dict[str, dict[str, Any]], mappings: Mappings) -> list[dict[str, Any]]:
    """Return the plugins that the workflows need, each once."""
    names = dict.fromkeys(workflow["plugin"] for workflow in workflows.values())
    return [plugin for name in names if (plugin := mappings.plugins.get(name)) is not None]


def _workflow(
    checker: Checker, schemas: SchemaReader, mappings: Mappings, path: Path, entry: Any
) -> dict[str, Any] | None:
    if entry is None:
        checker.problems.add(
            path, "This workflow is empty.", key=True, expected="a mapping, or the name of a function"
        )
        return None
    short = isinstance(entry, str)
    if not short and not checker.fields(path, entry, SHAPE, "workflow"):
        return None
    content: dict[str, Any] = {"mapping": entry} if short else entry
    rules = content.get("availability_rules")
    if rules is not None and not _availability(checker, (*path, "availability_rules"), rules):
        return None
    if "timeout" in content and not 0 < content["timeout"] <= LONGEST:
        checker.problems.add(
            (*path, "timeout"), f"A workflow's timeout is a number of seconds, from 0 to {LONGEST}."
        )
        return None
    parameters = schemas.inputs((*path, "parameters"), content.get("parameters"), "parameter")
    target = mappings.target(content["mapping"], path if short else (*path, "mapping"), workflow=True)
    if target is None:
        return None
    if target.script is not None:
        for name in ("script_path", "script_source"):
            if name in parameters:
                checker.problems.add(
                    (*path, "parameters", name),
                    f"The mapping is a script already, so the parameter `{name}` cannot be declared.",
                    key=True,
                )
                return None
        parameters = {
            **parameters,
            target.script: {
                "default": content["mapping"],
                "description": "The script that this workflow runs.",
            },
        }
    return {
        "plugin": target.plugin,
        "operation": target.operation,
        "parameters": parameters,
        "is_cascading": bool(content.get("is_cascading")),
        "availability_rules": rules,
        **({"timeout": content["timeout"]} if "timeout" in content else {}),
    }


def _availability(checker: Checker, path: Path, rules: Any) -> bool:
    if not checker.fields(path, rules, _RULES, "availability rule"):
        return False
    good = True
    for index, state in enumerate(rules.get("node_instances_active") or ()):
        if state not in _ACTIVE:
            checker.problems.add(
                (*path, "node_instances_active", index),
                f"`{state}` is not a state of instances.",
                expected=f"one of {listing(_ACTIVE)}",
                suggestion=closest(state, _ACTIVE),
            )
            good = False
    for index, name in enumerate(rules.get("node_types_required") or ()):
        good = checker.is_a((*path, "node_types_required", index), name, str) and good
    return good
