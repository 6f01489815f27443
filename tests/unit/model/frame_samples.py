"""Frames made from their types: a valid one of each, and all that have one field wrong."""

from __future__ import annotations

from collections.abc import Iterator
from types import UnionType
from typing import Annotated, Any, Literal, NotRequired, Union, get_args, get_origin, is_typeddict

from cloudwright.model.json_values import MAX_NESTING

WRONG: tuple[Any, ...] = (None, True, 7, -1.5, "text", "", [], ["x"], [[]], {}, {"a": 1})


def bare(annotation: Any) -> Any:
    while get_origin(annotation) in (Annotated, NotRequired):
        annotation = get_args(annotation)[0]
    return annotation


def nested(levels: int) -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = [value]
    return value


def sample(annotation: Any) -> Any:
    """A value of this type, with all that may be missing and no list that is empty."""
    kind = bare(annotation)
    origin = get_origin(kind)
    if is_typeddict(kind):
        return {name: sample(field) for name, field in kind.__annotations__.items()}
    if origin is Literal:
        return get_args(kind)[0]
    if origin is list:
        return [sample(get_args(kind)[0])]
    if origin is dict:
        return {"key": sample(get_args(kind)[1])}
    if origin is tuple:
        return [sample(item) for item in get_args(kind)]
    if origin in (Union, UnionType):
        return sample(get_args(kind)[0])
    return {str: "text", int: 1, float: 0.5, bool: True, Any: {"any": ["thing"]}}[kind]


def accepts(annotation: Any, value: Any) -> bool:
    """Whether a value is of this type: written again, slowly, to compare with the checks that are used."""
    kind = bare(annotation)
    origin = get_origin(kind)
    if kind is Any:
        return _levels(value) <= MAX_NESTING
    if is_typeddict(kind):
        return isinstance(value, dict) and all(
            accepts(field, value[name]) if name in value else get_origin(field) is NotRequired
            for name, field in kind.__annotations__.items()
        )
    if origin is Literal:
        return any(value == each and type(value) is type(each) for each in get_args(kind))
    if origin in (Union, UnionType):
        return any(accepts(member, value) for member in get_args(kind))
    if origin is list:
        if bare(get_args(kind)[0]) is Any and _levels(value) > MAX_NESTING:
            return False
        return isinstance(value, list) and all(accepts(get_args(kind)[0], item) for item in value)
    if origin is dict:
        (_, inner) = get_args(kind)
        if bare(inner) is Any and _levels(value) > MAX_NESTING:
            return False
        return isinstance(value, dict) and all(accepts(inner, item) for item in value.values())
    if origin is tuple:
        items = get_args(kind)
        return (
            isinstance(value, list)
            and len(value) == len(items)
            and all(accepts(item, part) for item, part in zip(items, value, strict=True))
        )
    if kind is None or kind is type(None):
        return value is None
    return type(value) is kind or (kind is float and type(value) is int)


def _levels(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(_levels, value.values()), default=0)
    return 1 + max(map(_levels, value), default=0) if isinstance(value, list) else 0


def spoilt(annotation: Any, value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """``value`` with one field of it replaced or missing, and the path of that field; whether the result is
    wrong, ``accepts`` says.
    """
    kind = bare(annotation)
    origin = get_origin(kind)
    if origin in (Union, UnionType) and len(get_args(kind)) == 2:
        # A value or null. Entries of a journal, which are of many kinds, have a test of their own.
        kind = bare(get_args(kind)[0])
        origin = get_origin(kind)
    for wrong in (*WRONG, nested(MAX_NESTING), nested(MAX_NESTING + 1)):
        yield path, wrong
    if is_typeddict(kind):
        for name, field in kind.__annotations__.items():
            if name == "type":
                continue
            yield f"{path}.{name}", {key: item for key, item in value.items() if key != name}
            for where, part in spoilt(field, value[name], f"{path}.{name}"):
                yield where, {**value, name: part}
    elif origin is list:
        for where, part in spoilt(get_args(kind)[0], value[0], f"{path}[0]"):
            yield where, [part]
    elif origin is tuple:
        yield path, value[:-1]
        yield path, [*value, 1]
        for index, item in enumerate(get_args(kind)):
            for where, part in spoilt(item, value[index], f"{path}[{index}]"):
                yield where, [*value[:index], part, *value[index + 1 :]]
