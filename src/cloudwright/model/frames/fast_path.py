"""One flat function for each stream of frames, which says of nearly every frame that it is right.

A check made of closures touches a hundred objects for a ``begin`` frame, and a child that was just forked
pays for each page of memory that it is the first to write to, if only to count a reference. So the types
are also written out as the source of one function, nearly without calls. It only says yes or no; what is
wrong with a frame, ``checking`` finds out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NotRequired, Union, get_args, get_origin, is_typeddict

from cloudwright.model.json_values import is_too_deep

_SIMPLE = (str, int, float, bool, NoneType)


def fast_path(frames: Mapping[str, type]) -> Callable[[Mapping[str, Any]], bool]:
    """Return a function that is true for frames of these types, by their ``type``, and false for others."""
    source = _Source()
    lines = ["def check(v0):", " kind = v0['type']"]
    for word, (kind, frame) in enumerate(frames.items()):
        lines.append(f" {'if' if not word else 'elif'} kind == {kind!r}:")
        lines += [f"  {line}" for line in source.of(frame, "v0")]
    lines += [" else:", "  return False", " return True"]
    exec("\n".join(lines), source.names)  # noqa: S102 - made of our own types, as dataclasses are
    check: Callable[[Mapping[str, Any]], bool] = source.names["check"]
    return check


class _Source:
    """Writes lines that return False if a variable has not a type; ``names`` are what they refer to."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = {"missing": object(), "deep": is_too_deep}
        self._count = 0

    def of(self, annotation: Any, variable: str) -> Iterator[str]:
        kind, origin = annotation, get_origin(annotation)
        while origin in (Annotated, NotRequired):
            kind = get_args(kind)[0]
            origin = get_origin(kind)
        if is_typeddict(kind):
            yield f"if type({variable}) is not dict: return False"
            for name, field in kind.__annotations__.items():
                yield from self._field(name, field, variable)
        elif origin in (Union, UnionType):
            yield from self._union(get_args(kind), variable)
        elif origin is Literal:
            known = self._name(frozenset(get_args(kind)))
            yield f"if type({variable}) is not str or {variable} not in {known}: return False"
        elif kind is Any:
            yield f"if type({variable}) not in {self._types(_SIMPLE)} and deep({variable}): return False"
        elif origin in (list, dict):
            yield from self._container(origin, get_args(kind)[-1], variable)
        elif kind is float:
            # JSON does not distinguish whole numbers from others. An infinite one less itself is not 0.
            yield f"if type({variable}) not in {self._types((int, float))}: return False"
            yield f"if {variable} - {variable} != 0: return False"
        else:
            yield f"if type({variable}) is not {kind.__name__}: return False"

    def _field(self, name: str, annotation: Any, variable: str) -> Iterator[str]:
        inner = self._variable()
        yield f"{inner} = {variable}.get({name!r}, missing)"
        if get_origin(annotation) is NotRequired:
            yield f"if {inner} is not missing:"
            yield from self._indented(annotation, inner)
        else:
            yield f"if {inner} is missing: return False"
            yield from self.of(annotation, inner)

    def _union(self, members: tuple[Any, ...], variable: str) -> Iterator[str]:
        bare = [get_args(each)[0] if get_origin(each) is Annotated else each for each in members]
        if float not in bare and all(each in _SIMPLE for each in bare):
            yield f"if type({variable}) not in {self._types(tuple(bare))}: return False"
        elif len(bare) == 2 and NoneType in bare:
            yield f"if {variable} is not None:"
            yield from self._indented(bare[0], variable)
        else:
            yield f"if type({variable}) is not list or not {variable}: return False"
            for number, entry in enumerate(bare):
                first, *rest = get_args(entry)
                yield f"{'elif' if number else 'if'} {variable}[0] == {get_args(first)[0]!r}:"
                yield f" if len({variable}) != {len(rest) + 1}: return False"
                for index, item in enumerate(rest, 1):
                    inner = self._variable()
                    yield f" {inner} = {variable}[{index}]"
                    yield from self._indented(item, inner)
            yield "else: return False"

    def _container(self, kind: type, item: Any, variable: str) -> Iterator[str]:
        yield f"if type({variable}) is not {kind.__name__}: return False"
        if item is Any:
            yield f"if {variable} and deep({variable}): return False"
            return
        inner = self._variable()
        yield f"for {inner} in {variable}{'.values()' if kind is dict else ''}:"
        yield from self._indented(item, inner)

    def _indented(self, annotation: Any, variable: str) -> Iterator[str]:
        return (f" {line}" for line in self.of(annotation, variable))

    def _variable(self) -> str:
        self._count += 1
        return f"v{self._count}"

    def _types(self, kinds: tuple[type, ...]) -> str:
        return self._name(frozenset(kinds))

    def _name(self, value: Any) -> str:
        for name, known in self.names.items():
            if known == value:
                return name
        self._count += 1
        self.names[f"k{self._count}"] = value
        return f"k{self._count}"
