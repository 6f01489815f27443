"""The inputs of a new deployment: what was given, over the defaults, checked against what the blueprint
declares."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cloudwright.dsl import constraints
from cloudwright.dsl.functions.syntax import holds_functions, is_function
from cloudwright.dsl.patterns import Patience
from cloudwright.dsl.problems import Path, closest, listing, path_text
from cloudwright.dsl.property_types import IDENTIFIER_TYPES, fits
from cloudwright.dsl.values import Schema, Values
from cloudwright.errors import BadInputs
from cloudwright.model.json_values import MAX_NESTING, is_too_deep
from cloudwright.planning.evaluation import EvaluationError, Evaluator, Here
from cloudwright.planning.functions import AT_PLAN_TIME, PlanSources

#: Whether something of a type (``deployment_id``, ``node_id``, ...) exists and fulfils these constraints.
Lookup = Callable[[str, Any, Mapping[str, Any]], bool]


#: Identifiers that are looked up even without a constraint that says where.
_ON_THE_MANAGER = frozenset({"blueprint_id", "deployment_id", "secret_key"})
#: Identifiers that mean nothing without the deployment that has them; others may be the blueprint's own.
_OF_A_DEPLOYMENT = frozenset({"capability_value", "node_instance"})
#: How many values may be looked at to show the inputs of a deployment.
_MOST_SHOWN = 100_000
#: Functions whose values are known from inputs alone.
_OF_INPUTS = {name: run for name, run in AT_PLAN_TIME.items() if name != "get_property"}


class UnknownInputs(BadInputs):
    code = "unknown_deployment_input_error"


class RefusedInputs(BadInputs):
    """An input is of the wrong type or violates a constraint."""

    code = "bad_parameters_error"


@dataclass(slots=True)
class _Notes:
    """Collects what is wrong with a value, for people who gave it and have no blueprint before them."""

    problems: list[str] = field(default_factory=list)
    patience: Patience = field(default_factory=Patience)

    def finish(self) -> None:
        if self.problems:
            raise RefusedInputs(_sentences("These inputs cannot be used", self.problems))

    def add(
        self,
        path: Path,
        message: str,
        *,
        key: bool = False,
        expected: str | None = None,
        suggestion: str | None = None,
    ) -> None:
        text = message
        if expected:
            text += f" Expected: {expected}."
        if suggestion:
            text += f" Did you mean `{suggestion}`?"
        self.problems.append(f"the input `{path_text(path)}`: {text}")


def resolve_inputs(
    declared: Mapping[str, Mapping[str, Any]],
    data_types: Mapping[str, Mapping[str, Any]],
    given: Mapping[str, Any],
    *,
    auto_correct_types: bool = False,
    lookup: Lookup | None = None,
) -> dict[str, Any]:
    """Return a value for every declared input. Raises BadInputs, naming every input that is missing, unknown
    or wrong.

    ``auto_correct_types`` makes numbers and booleans of strings that look like them, where those are
    declared. ``lookup`` decides what only a manager can; without it, identifiers are taken as they are.
    """
    _refuse_unknown(declared, given)
    deep = nested_too_deep(given)
    if deep:
        raise BadInputs(_sentences("These inputs cannot be taken", deep))
    notes = _Notes()
    values = data_type_values(data_types, notes)
    result: dict[str, Any] = {}
    missing = []
    for name, definition in declared.items():
        if name in given:
            value = given[name]
            if auto_correct_types:
                value = corrected(value, definition.get("type"))
        elif definition.get("default") is not None:
            value = definition["default"]
        else:
            value = _from_data_type(definition, values, notes)
            if value is None:
                if definition.get("required", True):
                    missing.append(name)
                result[name] = None
                continue
        result[name] = values.typed(value, definition.get("type"), (name,))
    if missing:
        raise BadInputs(_missing_message(missing, declared))
    for name, definition in declared.items():
        if result[name] is not None or name in given:
            _check_constraints(name, definition, result, notes, lookup)
    notes.finish()
    return result


def shown_inputs(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the inputs of a deployment with what they take from each other, as people want to see them.

    They are stored as they are written, so that a default follows when another input is updated. What needs
    more than inputs, leads in a circle, or makes very much of little, stays.
    """
    if not any(holds_functions(value) for value in inputs.values()):
        return dict(inputs)
    evaluator = Evaluator(_OF_INPUTS, PlanSources(inputs, {}), _MOST_SHOWN)
    shown = {}
    for name, value in inputs.items():
        try:
            shown[name] = evaluator.value(value, Here(path=f"inputs.{name}"))
        except EvaluationError:
            shown[name] = value
    return shown


def data_type_values(data_types: Mapping[str, Mapping[str, Any]], notes: Any) -> Values:
    values = Values(notes)
    for name, entry in data_types.items():
        values.data_types[name] = Schema(f"The data type `{name}`", entry.get("properties") or {})
    return values


def nested_too_deep(values: Mapping[str, Any]) -> list[str]:
    """Return a sentence about each of ``values`` that is nested too deep to be stored."""
    return [
        f"`{name}` is nested deeper than the {MAX_NESTING} levels that a value may have."
        for name, value in values.items()
        if is_too_deep(value)
    ]


def corrected(value: Any, type_name: str | None) -> Any:
    """Return a string as the number or the boolean that it looks like, if one is declared; anything else as
    it is.
    """
    if not isinstance(value, str):
        return value
    try:
        match type_name:
            case "integer":
                return int(value)
            case "float":
                return float(value)
            case "boolean":
                return {"true": True, "false": False}.get(value.lower(), value)
    except ValueError:
        pass
    return value


def _refuse_unknown(declared: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    unknown = [name for name in given if name not in declared]
    if not unknown:
        return
    lines = []
    for name in unknown:
        suggestion = closest(name, declared)
        lines.append(f"`{name}`" + (f" (did you mean `{suggestion}`?)" if suggestion else ""))
    known = f"It declares {listing(declared)}." if declared else "It declares none."
    raise UnknownInputs(f"The blueprint does not declare the input {', '.join(lines)}. {known}")


def _from_data_type(definition: Mapping[str, Any], values: Values, notes: _Notes) -> Any:
    """Return the value that the defaults of the input's data type make, if they make all of it."""
    schema = values.data_types.get(definition.get("type") or "")
    if schema is None:
        return None
    before = len(notes.problems)
    value = values.typed({}, definition["type"], ())
    if len(notes.problems) > before:
        del notes.problems[before:]
        return None
    return value or None


def _missing_message(missing: Iterable[str], declared: Mapping[str, Mapping[str, Any]]) -> str:
    lines = []
    for name in missing:
        definition = declared[name]
        kind = f" ({definition['type']})" if definition.get("type") else ""
        description = str(definition.get("description") or "").strip()
        lines.append(f"`{name}`{kind}" + (f": {description}" if description else ""))
    return _sentences("These inputs are required and were not given", lines)


def _sentences(head: str, lines: list[str]) -> str:
    return (
        f"{head}: {lines[0]}" if len(lines) == 1 else f"{head}:\n" + "\n".join(f"- {line}" for line in lines)
    )


def _check_constraints(
    name: str, definition: Mapping[str, Any], inputs: Mapping[str, Any], notes: _Notes, lookup: Lookup | None
) -> None:
    given = [_evaluated(item, inputs) for item in definition.get("constraints") or ()]
    value, type_name, item_type = inputs[name], definition.get("type"), definition.get("item_type")
    if type_name == "list" and item_type and isinstance(value, list):
        for index, item in enumerate(value):
            if not fits(item, item_type):
                notes.add((name, index), f"{item!r} is not of type `{item_type}`.")
            else:
                _check_value((name, index), item, item_type, given, notes, lookup)
    else:
        _check_value((name,), value, type_name, given, notes, lookup)


def _check_value(
    path: Path,
    value: Any,
    type_name: str | None,
    given: list[dict[str, Any]],
    notes: _Notes,
    lookup: Lookup | None,
) -> None:
    if given and is_function(value):
        notes.add(path, "an input with constraints cannot be a function.")
        return
    lookups: dict[str, Any] = {}
    for constraint in given:
        name, argument = constraints.named(constraint)
        if constraints.is_lookup(name, type_name):
            if type_name in constraints.RULES[name].lookup_types:
                lookups[name] = argument
            else:
                notes.add(path, f"the constraint `{name}` is not for inputs of type `{type_name}`.")
        else:
            wrong = constraints.violation(constraint, value, notes.patience)
            if wrong:
                notes.add(path, f"{value!r} {wrong}.")
    if lookup is None or type_name not in IDENTIFIER_TYPES:
        return
    if type_name in _OF_A_DEPLOYMENT and "deployment_id" not in lookups:
        notes.add(path, f"an input of type `{type_name}` needs the constraint `deployment_id`.")
    elif (lookups or type_name in _ON_THE_MANAGER) and not lookup(type_name, value, lookups):
        of = "".join(f" with {name} {argument!r}" for name, argument in lookups.items())
        notes.add(path, f"there is no {type_name} {value!r}{of}.")


def _evaluated(constraint: dict[str, Any], inputs: Mapping[str, Any]) -> dict[str, Any]:
    name, argument = constraints.named(constraint)
    if not is_function(argument):
        return constraint
    evaluator = Evaluator(AT_PLAN_TIME, PlanSources(inputs, {}))
    return {**constraint, name: evaluator.value(argument, Here(path=f"constraints.{name}"))}
