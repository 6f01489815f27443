"""The intrinsic functions, one row each: when they are evaluated, and what arguments they take.

A function is a mapping whose only key is its name; a second key ``type`` may say what type its value has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

SELF, SOURCE, TARGET = "SELF", "SOURCE", "TARGET"
INSTANCE_KEYWORDS = frozenset({SELF, SOURCE, TARGET})

SYS_PROPERTIES: Mapping[str, tuple[str, ...]] = {
    "tenant": ("name",),
    "deployment": ("id", "name", "blueprint", "owner"),
}
CONSUMER_PROPERTIES = ("ids", "names", "count")


@dataclass(frozen=True, slots=True)
class Function:
    """``check`` returns what is wrong with the arguments, or None. ``at_plan_time`` functions are evaluated
    when a deployment is created, unless it asks for evaluation at run time only; the others always wait for
    run time."""

    name: str
    check: Callable[[Any], str | None]
    at_plan_time: bool = False


def function_of(value: Any) -> tuple[str, Any] | None:
    """Return the name and the arguments of the function that ``value`` is, or None if it is none."""
    if value.__class__ is not dict or not 0 < len(value) < 3:
        return None
    found = None
    for key, arguments in value.items():
        if key == "type":
            continue
        if key in FUNCTIONS:
            found = (key, arguments)
        else:
            return None
    return found


def is_function(value: Any) -> bool:
    return function_of(value) is not None


def holds_functions(value: Any) -> bool:
    """Return whether ``value`` is a function or has one anywhere inside."""
    pending = [value]
    while pending:
        item = pending.pop()
        if item.__class__ is dict:
            if function_of(item) is not None:
                return True
            pending.extend(item.values())
        elif item.__class__ is list:
            pending.extend(item)
    return False


def is_whole_function(inputs: Any) -> bool:
    """Return whether a mapping of inputs is a function that makes all of them, such as ``merge``, and not one
    input that happens to have a function's name.
    """
    function = function_of(inputs)
    return function is not None and FUNCTIONS[function[0]].check(function[1]) is None


def _step(value: Any) -> bool:
    return isinstance(value, str | int) or is_function(value)


def _path(what: str, least: int) -> Callable[[Any], str | None]:
    def check(args: Any) -> str | None:
        if isinstance(args, list) and len(args) >= least and all(_step(item) for item in args):
            return None
        return f"a list {what}, whose items are strings, indexes or functions"

    return check


def _input(args: Any) -> str | None:
    if isinstance(args, str) or is_function(args):
        return None
    if isinstance(args, list) and args and all(_step(item) for item in args):
        return None
    return "an input's name, or a list [input, key or index, ...]"


def _sys(args: Any) -> str | None:
    wrong = _path("[entity, property]", 2)(args)
    if wrong:
        return wrong
    entity, name = args[0], args[1]
    if is_function(entity):
        return None
    if entity not in SYS_PROPERTIES:
        return "as entity one of " + ", ".join(SYS_PROPERTIES)
    if not is_function(name) and name not in SYS_PROPERTIES[entity]:
        return f"as property of {entity} one of " + ", ".join(SYS_PROPERTIES[entity])
    return None


def _consumers(args: Any) -> str | None:
    return None if args in CONSUMER_PROPERTIES else "one of " + ", ".join(CONSUMER_PROPERTIES)


def attribute_paths(args: list[Any]) -> list[list[Any]]:
    """Return the paths that ``get_attributes_dict`` asks for: each argument after the node is a name or a
    list.
    """
    return [item if isinstance(item, list) else [item] for item in args[1:]]


def _attributes_dict(args: Any) -> str | None:
    expected = "a list [node, attribute or [attribute, key or index, ...], ...]"
    if not isinstance(args, list) or not args or not _step(args[0]):
        return expected
    paths = attribute_paths(args)
    if not all(path and all(_step(item) for item in path) for path in paths):
        return expected
    names = [".".join(str(item) for item in path) for path in paths]
    if len(set(names)) != len(names):
        return "each attribute once"
    return None


def _secret(args: Any) -> str | None:
    if isinstance(args, str) or is_function(args) or (isinstance(args, list) and len(args) > 1):
        return None
    return "a secret's key, or a list [key, key or index inside of its JSON, ...]"


def _list(args: Any) -> str | None:
    return None if isinstance(args, list) else "a list"


def _merge(args: Any) -> str | None:
    if isinstance(args, list) and all(isinstance(item, dict) for item in args):
        return None
    return "a list of mappings"


def _group_capability(args: Any) -> str | None:
    if (
        isinstance(args, list)
        and len(args) >= 2
        and all(_step(item) or (index == 1 and isinstance(item, list)) for index, item in enumerate(args))
    ):
        return None
    return "a list [deployment group, capability or list of capabilities, ...]"


def _environment_capability(args: Any) -> str | None:
    if isinstance(args, str):
        return None
    return _path("[capability, key or index, ...] of at least two items, or a capability's name", 2)(args)


def _label(args: Any) -> str | None:
    if isinstance(args, str) or is_function(args):
        return None
    if isinstance(args, list) and len(args) == 2 and (isinstance(args[0], str) or is_function(args[0])):
        index = args[1]
        if isinstance(index, int) or (isinstance(index, str) and index.isdigit()):
            return None
    return "a label's key, or a list [key, index of the value]"


def _strings(least: int, most: int, number: int | None = None) -> Callable[[Any], str | None]:
    """Return a list of ``least`` to ``most`` strings; the item at index ``number`` is an integer instead."""
    length = f"{least}" if least == most else f"{least} or {most}"
    integer = "" if number is None else f", the one at index {number} an integer"

    def check(args: Any) -> str | None:
        if (
            isinstance(args, list)
            and least <= len(args) <= most
            and all(
                is_function(item) or isinstance(item, int if index == number else str)
                for index, item in enumerate(args)
                if not (index == number and item is None)
            )
        ):
            return None
        return f"a list of {length} strings or functions{integer}"

    return check


def _text(args: Any) -> str | None:
    return None if isinstance(args, str) or is_function(args) else "a string or a function"


FUNCTIONS: Mapping[str, Function] = {
    function.name: function
    for function in (
        Function("get_input", _input, at_plan_time=True),
        Function("get_property", _path("[node, property, ...]", 2), at_plan_time=True),
        Function("get_attribute", _path("[node, attribute, ...]", 2)),
        Function("get_attributes_list", _path("[node, attribute, ...]", 2)),
        Function("get_attributes_dict", _attributes_dict),
        Function("get_secret", _secret),
        Function("get_capability", _path("[deployment, capability, ...]", 2)),
        Function("get_group_capability", _group_capability),
        Function("get_environment_capability", _environment_capability),
        Function("get_label", _label),
        Function("get_sys", _sys),
        Function("get_consumers", _consumers),
        Function("concat", _list, at_plan_time=True),
        Function("merge", _merge, at_plan_time=True),
        Function("string_find", _strings(2, 2), at_plan_time=True),
        Function("string_replace", _strings(3, 4, number=3), at_plan_time=True),
        Function("string_split", _strings(2, 3, number=2), at_plan_time=True),
        Function("string_lower", _text, at_plan_time=True),
        Function("string_upper", _text, at_plan_time=True),
    )
}

#: Functions whose first argument is a node, or one of SELF, SOURCE and TARGET.
OF_NODES = frozenset({"get_property", "get_attribute", "get_attributes_list", "get_attributes_dict"})
