"""Checks of frames, made once from their types."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NotRequired, Union, get_args, get_origin, is_typeddict

from cloudwright.model.frames.fast_path import fast_path
from cloudwright.model.json_values import MAX_NESTING, is_too_deep

#: What is wrong with a value: the path to it from the value that was checked, and the rest of the sentence.
Problem = tuple[str, str]
#: Returns what is wrong with a value, or None.
Check = Callable[[Any], Problem | None]
#: Returns what is wrong with a whole frame, as a sentence without its end, or None.
FrameCheck = Callable[[Mapping[str, Any]], str | None]

_MISSING = object()
_NOTHING: frozenset[type] = frozenset()
_NAMES = {
    str: "text",
    int: "an integer",
    float: "a number",
    bool: "true or false",
    NoneType: "null",
    list: "a list",
    dict: "an object",
}


def frame_check(*frames: type) -> FrameCheck:
    """Return the check of a stream whose frames have these types, distinguished by their ``type``."""
    by_kind = {str(get_args(_bare(frame.__annotations__["type"]))[0]): frame for frame in frames}
    checks = {kind: object_check(frame) for kind, frame in by_kind.items()}
    is_right = fast_path(by_kind)

    def check(frame: Mapping[str, Any]) -> str | None:
        if is_right(frame):
            return None
        kind = frame["type"]
        test = checks.get(kind)
        if test is None:
            return f"a frame has the unknown type `{_shown(kind)}`"
        problem = test(frame)
        if problem is None:
            return None
        path, what = problem
        return f"the field `{path.lstrip('.')}` of the `{kind}` frame {what}"

    return check


def object_check(kind: type) -> Check:
    """Return the check of objects of the TypedDict ``kind``."""
    required, optional = [], []
    for name, annotation in kind.__annotations__.items():
        accepted, test = _field(_bare(annotation))
        origin: Any = get_origin(annotation)
        if origin is NotRequired:
            optional.append((name, accepted, test))
        else:
            required.append((name, accepted, test))
    return _object(required, optional)


Field = tuple[str, frozenset[type], Check]


def _object(required: Sequence[Field], optional: Sequence[Field]) -> Check:
    def check(value: Any) -> Problem | None:
        if type(value) is not dict:
            return "", _must_be([dict], value)
        for name, accepted, test in required:
            item = value.get(name, _MISSING)
            if type(item) in accepted:
                continue
            if item is _MISSING:
                return f".{name}", "is missing"
            problem = test(item)
            if problem is not None:
                return f".{name}{problem[0]}", problem[1]
        for name, accepted, test in optional:
            item = value.get(name, _MISSING)
            if item is _MISSING or type(item) in accepted:
                continue
            problem = test(item)
            if problem is not None:
                return f".{name}{problem[0]}", problem[1]
        return None

    return check


def _field(annotation: Any) -> tuple[frozenset[type], Check]:
    """Return the types that need no further look, and the check of all others."""
    if annotation in (str, bool, NoneType, int):
        return frozenset({annotation}), lambda value: ("", _must_be([annotation], value))
    if annotation is float:
        # JSON does not distinguish whole numbers from others.
        return frozenset({int}), _number
    if annotation is Any:
        return frozenset({str, int, float, bool, NoneType}), _json
    origin = get_origin(annotation)
    if origin is Annotated:
        return _field(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return _union(get_args(annotation))
    if origin is Literal:
        return _NOTHING, _literal(get_args(annotation))
    if origin is list:
        return _NOTHING, _list(get_args(annotation)[0])
    if origin is dict:
        return _NOTHING, _mapping(get_args(annotation)[1])
    if origin is tuple:
        return _NOTHING, _tuples([annotation])
    if is_typeddict(annotation):
        return _NOTHING, object_check(annotation)
    raise TypeError(f"frames cannot have fields of type {annotation!r}")


def _number(value: Any) -> Problem | None:
    if type(value) is float and value - value == 0:
        return None
    return "", _must_be([float], value)


def _json(value: Any) -> Problem | None:
    if is_too_deep(value):
        return "", f"is nested deeper than the {MAX_NESTING} levels that a value may have"
    return None


def _literal(values: Sequence[Any]) -> Check:
    known = frozenset(values)
    text = " or ".join(f"`{value}`" for value in values)

    def check(value: Any) -> Problem | None:
        if type(value) is str and value in known:
            return None
        return "", f"must be {text}, not {_shown(value) if type(value) is str else _name(value)}"

    return check


def _list(annotation: Any) -> Check:
    accepted, test = _field(_bare(annotation))
    if annotation is Any:
        return _container(list)

    def check(value: Any) -> Problem | None:
        if type(value) is not list:
            return "", _must_be([list], value)
        for index, item in enumerate(value):
            if type(item) in accepted:
                continue
            problem = test(item)
            if problem is not None:
                return f"[{index}]{problem[0]}", problem[1]
        return None

    return check


def _mapping(annotation: Any) -> Check:
    if annotation is Any:
        return _container(dict)
    accepted, test = _field(_bare(annotation))

    def check(value: Any) -> Problem | None:
        if type(value) is not dict:
            return "", _must_be([dict], value)
        for key, item in value.items():
            if type(item) in accepted:
                continue
            problem = test(item)
            if problem is not None:
                return f".{_shown(key)}{problem[0]}", problem[1]
        return None

    return check


def _container(kind: type) -> Check:
    """Return a list or an object of any values: one value, whose nesting is looked at as a whole."""

    def check(value: Any) -> Problem | None:
        if type(value) is not kind:
            return "", _must_be([kind], value)
        return _json(value) if value else None

    return check


def _union(members: Sequence[Any]) -> tuple[frozenset[type], Check]:
    members = [_bare(member) for member in members]
    if all(get_origin(member) is tuple for member in members):
        return _NOTHING, _tuples(members)
    fields = [_field(member) for member in members]
    accepted = frozenset[type]().union(*(types for types, _ in fields))
    tests = [test for _, test in fields]
    open_ended = [test for types, test in fields if not types]
    if len(open_ended) == 1 and len(tests) > 1:
        # An object or null: what is wrong inside the object is what the reader has to know.
        test = open_ended[0]
        kinds = [get_origin(member) or member for member in members]
        allowed = [kind if kind in _NAMES else dict for kind in kinds]

        def look(value: Any) -> Problem | None:
            problem = test(value)
            return ("", _must_be(allowed, value)) if problem is not None and not problem[0] else problem

        return accepted, look

    def check(value: Any) -> Problem | None:
        if any(test(value) is None for test in tests):
            return None
        return "", _must_be(list(members), value)

    return accepted, check


def _tuples(kinds: Sequence[Any]) -> Check:
    """Return the check of lists of a fixed length whose first item, a literal, says what the others are."""
    known: dict[str, tuple[int, list[tuple[frozenset[type], Check]]]] = {}
    for kind in kinds:
        first, *rest = get_args(kind)
        known[get_args(first)[0]] = len(rest) + 1, [_field(_bare(item)) for item in rest]

    def check(value: Any) -> Problem | None:
        if type(value) is not list:
            return "", _must_be([list], value)
        if not value or type(value[0]) is not str or value[0] not in known:
            first = _shown(value[0]) if value else "empty"
            return "[0]", f"must be one of {', '.join(f'`{name}`' for name in known)}, not {first}"
        length, fields = known[value[0]]
        if len(value) != length:
            return "", f"must have {length} items (it begins with `{value[0]}`), not {len(value)}"
        for index, (accepted, test) in enumerate(fields, 1):
            item = value[index]
            if type(item) in accepted:
                continue
            problem = test(item)
            if problem is not None:
                return f"[{index}]{problem[0]}", problem[1]
        return None

    return check


def _bare(annotation: Any) -> Any:
    """Return the type itself, without its note and without the mark that it may be missing."""
    while get_origin(annotation) in (Annotated, NotRequired):
        annotation = get_args(annotation)[0]
    return annotation


def _must_be(kinds: Sequence[Any], value: Any) -> str:
    wanted = " or ".join(_NAMES[kind] for kind in kinds)
    return f"must be {wanted}, not {_name(value)}"


def _name(value: Any) -> str:
    return _NAMES.get(type(value), type(value).__name__)


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    return ascii(text)[1:-1] if len(text) <= 40 else f"{ascii(text[:40])[1:-1]}..."
