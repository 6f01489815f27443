"""How many instances there are, at least, at most and at first: of a node or of a scaling group."""

from __future__ import annotations

from typing import Any

from cloudwright.dsl.functions.syntax import is_function
from cloudwright.dsl.limits import Limits
from cloudwright.dsl.problems import Path
from cloudwright.dsl.structure_checks import Checker, Field, Shape

UNBOUNDED = -1
_UNBOUNDED_WORD = "UNBOUNDED"
SHAPE: Shape = {
    "min_instances": Field((int, dict)),
    "max_instances": Field((int, str, dict)),
    "default_instances": Field((int, dict)),
}
_DEFAULTS = {"min_instances": 0, "max_instances": UNBOUNDED, "default_instances": 1}


def default_properties() -> dict[str, Any]:
    return _counted({})


def fixed_properties(count: int) -> dict[str, Any]:
    """What ``instances: {deploy: count}`` means."""
    return {**_counted({"default_instances": count})}


def read_properties(checker: Checker, path: Path, raw: Any, limits: Limits) -> dict[str, Any]:
    """Return the properties, with defaults for those that are not given; all defaults if something is
    wrong.
    """
    if raw is None:
        return default_properties()
    if not checker.fields(path, raw, SHAPE, "scaling property"):
        return default_properties()
    given = {name: value for name, value in raw.items() if value is not None}
    for name, value in given.items():
        problem = _problem(name, value, limits)
        if problem:
            checker.problems.add((*path, name), f"`{name}` is `{value}`.", expected=problem)
            return default_properties()
    if given.get("max_instances") == _UNBOUNDED_WORD:
        given["max_instances"] = UNBOUNDED
    properties = _counted(given)
    _check_order(checker, path, properties)
    return properties


def _counted(given: dict[str, Any]) -> dict[str, Any]:
    properties = {**_DEFAULTS, **given}
    first = properties["default_instances"]
    return {**properties, "current_instances": first, "planned_instances": first}


def _problem(name: str, value: Any, limits: Limits) -> str | None:
    if isinstance(value, dict):
        return None if is_function(value) else "a number or a function"
    if isinstance(value, str):
        return None if value == _UNBOUNDED_WORD else f"a number, a function or {_UNBOUNDED_WORD}"
    if name == "max_instances":
        return None if value == UNBOUNDED or value >= 1 else f"1 or more, or {_UNBOUNDED_WORD}"
    if value < 0:
        return "0 or more"
    return (
        None if value <= limits.instances else f"at most {limits.instances}, which is the limit of instances"
    )


def _check_order(checker: Checker, path: Path, properties: dict[str, Any]) -> None:
    least, most, first = (
        properties[name] for name in ("min_instances", "max_instances", "default_instances")
    )
    bounded = isinstance(most, int) and most != UNBOUNDED
    for low, low_name, high, high_name in (
        (least, "min_instances", first, "default_instances"),
        (least, "min_instances", most if bounded else None, "max_instances"),
        (first, "default_instances", most if bounded else None, "max_instances"),
    ):
        if isinstance(low, int) and isinstance(high, int) and low > high:
            checker.problems.add(path, f"`{low_name}` ({low}) is greater than `{high_name}` ({high}).")
            return
