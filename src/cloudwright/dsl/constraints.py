"""Constraints on the values of inputs and parameters.

Most are decided by the value alone (``violation``). Some can only be decided by who knows the blueprints and
deployments that exist, or the deployment a name belongs to: those are *lookups*.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cloudwright.dsl.functions.syntax import is_function
from cloudwright.dsl.patterns import SECONDS, Patience, PatternTooSlow
from cloudwright.dsl.problems import Path, closest, listing
from cloudwright.dsl.property_types import is_valid_regex
from cloudwright.dsl.structure_checks import Checker

ERROR_MESSAGE = "error_message"

_IN_DEPLOYMENTS = frozenset(
    {"capability_value", "scaling_group", "node_id", "node_type", "node_instance", "operation_name"}
)
_WITH_LABELS = frozenset({"deployment_id", "blueprint_id"})


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _two_numbers(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(_number(item) for item in value)


@dataclass(frozen=True, slots=True)
class Rule:
    """``argument`` says whether the constraint's argument is one it can take, ``expected`` what that is,
    ``holds`` whether a value fulfils it (TypeError: it cannot be compared). ``lookup_types`` are the types of
    values for which the constraint is a lookup; without ``holds`` it can be nothing else."""

    argument: Callable[[Any], bool]
    expected: str
    holds: Callable[[Any, Any, Patience], bool] | None = None
    lookup_types: frozenset[str] = frozenset()


def _matches(value: Any, pattern: Any, patience: Patience) -> bool:
    if not isinstance(value, str):
        raise TypeError
    return patience.matches(pattern, value)


def _compares(holds: Callable[[Any, Any], bool]) -> Callable[[Any, Any, Patience], bool]:
    """``holds`` of a constraint that never takes long."""
    return lambda value, argument, patience: holds(value, argument)


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _is_string(value: Any) -> bool:
    return isinstance(value, str)


RULES: Mapping[str, Rule] = {
    "equal": Rule(_number, "a number", _compares(lambda value, arg: value == arg)),
    "greater_than": Rule(_number, "a number", _compares(lambda value, arg: value > arg)),
    "greater_or_equal": Rule(_number, "a number", _compares(lambda value, arg: value >= arg)),
    "less_than": Rule(_number, "a number", _compares(lambda value, arg: value < arg)),
    "less_or_equal": Rule(_number, "a number", _compares(lambda value, arg: value <= arg)),
    "in_range": Rule(
        _two_numbers, "a list of two numbers", _compares(lambda value, arg: arg[0] <= value <= arg[1])
    ),
    "valid_values": Rule(_is_list, "a list", _compares(lambda value, arg: value in arg), _IN_DEPLOYMENTS),
    "length": Rule(_number, "a number", _compares(lambda value, arg: len(value) == arg)),
    "min_length": Rule(_number, "a number", _compares(lambda value, arg: len(value) >= arg)),
    "max_length": Rule(_number, "a number", _compares(lambda value, arg: len(value) <= arg)),
    "pattern": Rule(is_valid_regex, "a regular expression", _matches),
    "filter_id": Rule(_is_string, "a string", lookup_types=_WITH_LABELS),
    "labels": Rule(_is_list, "a list", lookup_types=_WITH_LABELS),
    "tenants": Rule(_is_list, "a list", lookup_types=_WITH_LABELS),
    "name_pattern": Rule(
        lambda value: isinstance(value, dict),
        "a mapping",
        lookup_types=_IN_DEPLOYMENTS | _WITH_LABELS | {"secret_key"},
    ),
    "deployment_id": Rule(_is_string, "a string", lookup_types=_IN_DEPLOYMENTS),
}


def named(constraint: Mapping[str, Any]) -> tuple[str, Any]:
    """Return the name and the argument of a constraint as it is written."""
    return next((name, argument) for name, argument in constraint.items() if name != ERROR_MESSAGE)


def is_lookup(name: str, type_name: str | None) -> bool:
    rule = RULES[name]
    return rule.holds is None or type_name in rule.lookup_types


def violation(constraint: Mapping[str, Any], value: Any, patience: Patience) -> str | None:
    """Return why ``value`` does not fulfil a constraint that is not a lookup, as the end of a sentence; None
    if it does. ``patience`` is for all values of one request together.
    """
    name, argument = named(constraint)
    holds = RULES[name].holds
    try:
        if holds is None or holds(value, argument, patience):
            return None
    except PatternTooSlow:
        return (
            f"took too long to be compared with the constraint {_shown(name, argument)}: {SECONDS:g} s are"
            " the limit for everything that is given; such a pattern mostly repeats what repeats itself, as"
            " `(a+)+` does"
        )
    except TypeError:
        return (
            f"cannot be checked by the constraint {_shown(name, argument)}, because it is {_type_word(value)}"
        )
    message = constraint.get(ERROR_MESSAGE)
    return f"is invalid: {message}" if message else f"violates the constraint {_shown(name, argument)}"


def _shown(name: str, argument: Any) -> str:
    return f"`{name}: {argument}`"


def _type_word(value: Any) -> str:
    return f"of type {type(value).__name__}"


def check(checker: Checker, path: Path, constraints: Any) -> bool:
    """Return whether ``constraints`` is a list of constraints that exist and have arguments that they
    take.
    """
    if not checker.is_a(path, constraints, list):
        return False
    good = [_check_one(checker, (*path, index), item) for index, item in enumerate(constraints)]
    return all(good)


def _check_one(checker: Checker, path: Path, constraint: Any) -> bool:
    if not checker.is_a(path, constraint, dict):
        return False
    names = [name for name in constraint if name != ERROR_MESSAGE]
    if len(names) != 1:
        checker.problems.add(
            path, "A constraint is a mapping with one entry.", expected=f"one of {listing(RULES, most=20)}"
        )
        return False
    if ERROR_MESSAGE in constraint and not checker.available(
        (*path, ERROR_MESSAGE), "constraint", ERROR_MESSAGE
    ):
        return False
    name, argument = names[0], constraint[names[0]]
    if name not in RULES:
        checker.problems.add(
            (*path, str(name)),
            f"There is no constraint `{name}`.",
            key=True,
            expected=f"one of {listing(RULES, most=20)}",
            suggestion=closest(name, RULES),
        )
        return False
    rule = RULES[name]
    if not is_function(argument) and not rule.argument(argument):
        checker.problems.add(
            (*path, name), f"`{argument}` is not an argument that `{name}` takes.", expected=rule.expected
        )
        return False
    return True


def holds_function(constraints: Iterable[Mapping[str, Any]]) -> bool:
    return any(is_function(named(constraint)[1]) for constraint in constraints)
