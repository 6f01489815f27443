"""The sections ``outputs`` and ``capabilities``, labels and tags: what a deployment says of itself."""

from __future__ import annotations

from typing import Any

from cloudwright.dsl.structure_checks import STRING, VALUE, Checker, Field, Shape

OUTPUT: Shape = {"description": STRING, "value": Field(VALUE.types, required=True)}
LABEL: Shape = {"values": Field((list,), required=True)}


def read_outputs(checker: Checker, section: str, raw: Any) -> dict[str, dict[str, Any]]:
    """Outputs, or (``section``) capabilities: a value each, and perhaps a description.

    A name with nothing behind it is one whose value is nothing.
    """
    result: dict[str, dict[str, Any]] = {}
    if raw is None or not checker.names((section,), raw):
        return result
    kind = "capability" if section == "capabilities" else "output"
    for name, entry in raw.items():
        if entry is None:
            result[name] = {"value": None}
        elif checker.fields((section, name), entry, OUTPUT, kind):
            result[name] = {key: item for key, item in entry.items() if item is not None}
    return result


def read_labels(checker: Checker, section: str, raw: Any) -> dict[str, dict[str, Any]]:
    """``labels`` of deployments, whose values may be functions, or ``blueprint_labels``, whose values may
    not."""
    result: dict[str, dict[str, Any]] = {}
    if raw is None or not checker.names((section,), raw):
        return result
    functions = section == "labels"
    for name, entry in raw.items():
        if not checker.fields((section, name), entry, LABEL, "label"):
            continue
        for index, value in enumerate(entry["values"]):
            path = (section, name, "values", index)
            if not isinstance(value, str | dict if functions else str):
                checker.problems.add(
                    path,
                    f"The value `{value}` of the label `{name}` is not a string.",
                    expected="a string or a function"
                    if functions
                    else "a string, in quotes if it is a number",
                )
            elif isinstance(value, dict) and "get_attribute" in value:
                checker.problems.add(
                    path,
                    f"The label `{name}` is set when the deployment is created: there are no attributes yet.",
                )
        result[name] = entry
    return result


def read_resource_tags(checker: Checker, raw: Any) -> dict[str, Any] | None:
    section = "resource_tags"
    if raw is None or not checker.names((section,), raw):
        return None
    for name, value in raw.items():
        if value is not None:
            checker.is_a((section, name), value, *VALUE.types)
    return dict(raw)
