"""Evaluates intrinsic functions: those of a plan when a deployment is created, and all of them at run time.

A value is walked once; what holds no function is returned as the same object, never changed. A function's
arguments are evaluated before it, and its result is evaluated again, because a property or an input may hold
a function too. When a deployment is created only some functions have a value yet: the others stay as they
are, with those of their arguments evaluated that can be.
"""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from cloudwright.dsl.functions.syntax import FUNCTIONS, function_of, is_function, is_whole_function
from cloudwright.dsl.property_types import PRIMITIVE_TYPES, fits
from cloudwright.errors import CloudwrightError, NotFound
from cloudwright.model.json_values import MAX_NESTING

#: How deep functions may lead to functions before that counts as a circle.
MOST_STEPS = 50
#: How much one evaluation may look at, in items of lists and mappings, and how many characters of text its
#: functions may make or pass on: functions that double what others doubled would otherwise take all the time
#: and memory there is.
MOST_WORK = 1_000_000
MOST_TEXT = 64 * 1024 * 1024

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 80
_SHORT.maxlevel = 3


class EvaluationError(CloudwrightError):
    """A function has no value. The message says which function, where it stands, and what there is."""

    code = "functions_evaluation_error"


class Later(Exception):
    """The function has no value before run time."""


@dataclass(frozen=True, slots=True)
class Here:
    """What SELF, SOURCE and TARGET stand for: nodes, and at run time their instances."""

    self_node: str | None = None
    source_node: str | None = None
    target_node: str | None = None
    self_id: str | None = None
    source_id: str | None = None
    target_id: str | None = None
    path: str = ""

    def at(self, step: object) -> Here:
        return replace(self, path=f"{self.path}[{step}]" if isinstance(step, int) else f"{self.path}.{step}")

    def of_node(self, node: str, instance: str | None = None) -> Here:
        """Return the place of a node's properties: SELF is that node, and nothing else means anything."""
        return Here(self_node=node, self_id=instance, path=self.path)


#: A function's implementation: its evaluated arguments, where it stands, and what evaluates them. Returns the
#: value, and where that value is to be evaluated further.
Implementation = Callable[[Any, Here, "Evaluator"], tuple[Any, Here]]


class Evaluator:
    """Evaluates by a table of implementations; a function that is not in the table stays as it is."""

    def __init__(
        self, implementations: Mapping[str, Implementation], sources: Any, most_work: int = MOST_WORK
    ) -> None:
        self._implementations = implementations
        self.sources = sources
        self._depth = 0
        self._nesting = 0
        self._most = self._left = most_work
        self._text_left = MOST_TEXT

    def value(self, value: Any, here: Here) -> Any:
        """Return ``value`` with its functions evaluated. Raises EvaluationError."""
        kind = value.__class__
        if kind is not dict and kind is not list:
            return value
        self.check_items(len(value), here)
        self._left -= len(value)
        self._nesting += 1
        if self._nesting > MAX_NESTING:
            raise EvaluationError(
                f"Values at {here.path[:200]} are nested deeper than the {MAX_NESTING} levels that a value "
                "may have."
            )
        function = function_of(value)
        result = self._items(value, here) if function is None else self._function(value, *function, here)
        self._nesting -= 1
        return result

    def _items(self, value: dict[Any, Any] | list[Any], here: Here) -> Any:
        changed: Any = None
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            if item.__class__ is dict or item.__class__ is list:
                evaluated = self.value(item, here.at(key))
                if evaluated is not item:
                    if changed is None:
                        changed = value.copy()
                    changed[key] = evaluated
            elif self._depth and item.__class__ is str:
                # What functions make or pass on; text that stands in the plan was bounded with it.
                self._spend_text(len(item), here)
        return value if changed is None else changed

    def check_items(self, amount: int, here: Here) -> None:
        """Raise EvaluationError if a list or mapping of ``amount`` items would be too many to make."""
        if amount > self._left:
            raise EvaluationError(
                f"The functions{_at(here)} make more than {self._most} values, the limit of one evaluation."
                " Does a function expand itself?"
            )

    def check_text(self, amount: int, here: Here) -> None:
        """Raise EvaluationError if a text of ``amount`` characters would be too much to make."""
        if amount > self._text_left:
            raise EvaluationError(
                f"The functions{_at(here)} make or pass on more than the limit of {MOST_TEXT} characters of "
                "text of one evaluation. Keep what is large in a file, and its path here."
            )

    def _spend_text(self, amount: int, here: Here) -> None:
        self.check_text(amount, here)
        self._text_left -= amount

    def inputs(self, inputs: dict[str, Any], here: Here) -> dict[str, Any]:
        """Return the inputs of an operation: values by name, or one function that makes all of them."""
        if is_whole_function(inputs):
            whole: dict[str, Any] = self.value(inputs, here)
            return whole
        return self.entries(inputs, here)

    def entries(self, entries: dict[str, Any], here: Here) -> dict[str, Any]:
        """Return a mapping whose names are the author's, and so never functions."""
        evaluated: dict[str, Any] = self._items(entries, here)
        return evaluated

    def _function(self, raw: dict[str, Any], name: str, arguments: Any, here: Here) -> Any:
        self._depth += 1
        nesting = self._nesting
        try:
            if self._depth > MOST_STEPS:
                raise error(
                    name, here, f"functions lead to functions more than {MOST_STEPS} times: is it a circle?"
                )
            evaluated = self._arguments(name, arguments, here)
            implementation = self._implementations.get(name)
            if implementation is None:
                return raw if evaluated is arguments else {**raw, name: evaluated}
            wrong = FUNCTIONS[name].check(evaluated)
            if wrong is not None:
                raise error(name, here, f"its arguments are {shown(evaluated)}, and should be {wrong}")
            try:
                value, place = implementation(evaluated, here, self)
            except Later:
                return raw if evaluated is arguments else {**raw, name: evaluated}
            except NotFound as missing:
                raise error(name, here, str(missing)) from missing
            if value.__class__ is str:
                self._spend_text(len(value), here)
            # The value takes the place of the function, and is nested as deep as that.
            self._nesting = nesting - 1
            value = self.value(value, place)
            _check_type(raw.get("type"), name, value, here)
            return value
        finally:
            self._depth -= 1
            self._nesting = nesting

    def _arguments(self, name: str, arguments: Any, here: Here) -> Any:
        inner = here.at(name)
        return self.value(arguments, inner)


def error(function: str, here: Here, reason: str) -> EvaluationError:
    """Return the error of a function that has no value."""
    return EvaluationError(f"`{function}`{_at(here)} cannot be evaluated: {reason.rstrip('.')}.")


def shown(value: Any) -> str:
    """Return ``value`` as messages show it: shortened, however large it is."""
    return _SHORT.repr(value)


def _at(here: Here) -> str:
    return f" at {here.path.lstrip('.')}" if here.path else ""


def _check_type(expected: Any, name: str, value: Any, here: Here) -> None:
    if (
        expected in PRIMITIVE_TYPES
        and not is_function(value)
        and value is not None
        and not fits(value, expected)
    ):
        raise error(name, here, f"its value {shown(value)} is not of type `{expected}`")


def steps_into(value: Any, steps: list[Any], function: str, here: Here, what: str) -> Any:
    """What is found in ``value`` by following keys and indexes; what is missing is an error."""
    done = what
    for step in steps:
        if isinstance(value, dict):
            if step not in value:
                known = ", ".join(f"`{key}`" for key in list(value)[:12]) or "nothing"
                raise error(function, here, f"{done} has no `{step}`; it has {known}")
        elif isinstance(value, list):
            if not isinstance(step, int) or isinstance(step, bool):
                raise error(function, here, f"{done} is a list, and `{step}` is not an index")
            if not -len(value) <= step < len(value):
                raise error(function, here, f"{done} has {len(value)} items, and no item {step}")
        else:
            raise error(function, here, f"{done} is {shown(value)}, which has no `{step}`")
        value = value[step]
        done = f"{done}.{step}" if not isinstance(step, int) else f"{done}[{step}]"
    return value
