"""Parameters of a workflow: what was given, over the declared defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudwright.dsl.constraints import is_lookup, named, violation
from cloudwright.dsl.functions.syntax import is_function
from cloudwright.dsl.patterns import Patience
from cloudwright.dsl.problems import closest, listing
from cloudwright.dsl.property_types import IDENTIFIER_TYPES, PRIMITIVE_TYPES, fits
from cloudwright.errors import BadParameters
from cloudwright.planning.inputs import Lookup, corrected, nested_too_deep

_NOUNS = {
    "blueprint_id": "blueprint",
    "capability_value": "value of a capability",
    "deployment_id": "deployment",
    "node_id": "node",
    "node_instance": "node instance",
    "node_type": "node of that type",
    "operation_name": "operation",
    "scaling_group": "scaling group",
    "secret_key": "secret",
}


class IllegalParameters(BadParameters):
    """A parameter is unknown, of the wrong type, or refused by a constraint."""

    code = "illegal_execution_parameters_error"


def validate_parameters(
    workflow: Mapping[str, Any],
    parameters: Mapping[str, Any],
    *,
    allow_custom: bool = False,
    lookup: Lookup | None = None,
) -> dict[str, Any]:
    """The parameters with which a workflow runs. ``workflow`` is its entry in a plan.

    ``lookup`` decides whether what parameters name exists; without it, names are taken as they are.

    Raises BadParameters if some are missing, and its child IllegalParameters if some are unknown
    (unless ``allow_custom``) or wrong; each names all of them. A string that looks like the declared number
    or boolean is made one, because command lines know strings only.
    """
    declared: Mapping[str, Mapping[str, Any]] = workflow.get("parameters") or {}
    missing = []
    wrong = []
    merged: dict[str, Any] = {}
    patience = Patience()
    for name, definition in declared.items():
        if name in parameters:
            value = corrected(parameters[name], definition.get("type"))
            problem = _problem(value, definition, patience) or _unknown_name(value, definition, lookup)
            if problem:
                wrong.append(f"`{name}` {problem}")
            merged[name] = value
        elif "default" in definition:
            merged[name] = definition["default"]
        elif definition.get("required", True):
            description = str(definition.get("description") or "").strip()
            missing.append(f"`{name}`" + (f" ({description})" if description else ""))
    if missing:
        raise BadParameters(f"Required parameters of the workflow are missing: {', '.join(missing)}.")
    custom = {name: value for name, value in parameters.items() if name not in declared}
    wrong += [problem.rstrip(".") for problem in nested_too_deep(parameters)]
    if custom and not allow_custom:
        wrong += [_unknown(name, declared) for name in custom]
    if wrong:
        raise IllegalParameters(f"The workflow cannot run with these parameters: {'; '.join(wrong)}.")
    return {**merged, **custom}


def _problem(value: Any, definition: Mapping[str, Any], patience: Patience) -> str | None:
    kind = definition.get("type")
    if is_function(value) or value is None:
        return None
    if kind in PRIMITIVE_TYPES and not _fits(value, str(kind)):
        return f"is {value!r}, which is not of type `{kind}`"
    for constraint in definition.get("constraints") or ():
        if is_lookup(named(constraint)[0], kind):
            continue
        problem = violation(constraint, value, patience)
        if problem:
            return f"{problem} (it is {value!r})"
    return None


def _unknown_name(value: Any, definition: Mapping[str, Any], lookup: Lookup | None) -> str | None:
    """Return what a value names that does not exist, as the end of a sentence, or None."""
    kind, values = definition.get("type"), [value]
    if kind == "list" and isinstance(value, list):
        kind, values = definition.get("item_type"), value
    if lookup is None or kind not in IDENTIFIER_TYPES:
        return None
    asked = dict(map(named, definition.get("constraints") or ()))
    lookups = {name: argument for name, argument in asked.items() if is_lookup(name, kind)}
    if any(map(is_function, lookups.values())):
        return None
    for one in values:
        if one is not None and not is_function(one) and not lookup(str(kind), one, lookups):
            of = "".join(f" with {name} {argument!r}" for name, argument in lookups.items())
            return f"names {one!r}, and there is no such {_NOUNS[str(kind)]}{of}"
    return None


def _fits(value: Any, kind: str) -> bool:
    return isinstance(value, str) if kind in ("string", "textarea") else fits(value, kind)


def _unknown(name: str, declared: Mapping[str, Any]) -> str:
    suggestion = closest(name, declared)
    hint = f"did you mean `{suggestion}`?" if suggestion else f"it declares {listing(declared)}"
    return f"`{name}` is not one that it declares ({hint}; custom parameters have to be allowed explicitly)"
