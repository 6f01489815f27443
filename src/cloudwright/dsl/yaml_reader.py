"""Reads YAML text into plain dictionaries, lists and scalars, fast and within limits.

Values are built straight from libyaml's events: no node objects, no marks, one dictionary lookup for a scalar
that was seen before. Where something is wrong is found afterwards, in the text (``marks.py``), so a blueprint
without errors pays nothing for it. Aliases share one value: copy a value before changing it.

libyaml refuses some plain scalars that PyYAML's own reader accepts, and blueprints that hold such exist. So a
file that libyaml refuses is read once more by PyYAML's reader, and only what both refuse is an error.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import yaml
from yaml.constructor import SafeConstructor
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)
from yaml.nodes import ScalarNode
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.resolver import Resolver
from yaml.scanner import Scanner

from cloudwright.dsl.limits import Limits
from cloudwright.dsl.yaml_errors import explain

try:
    from yaml import _yaml
except ImportError:  # PyYAML was built without libyaml: slower, and otherwise the same
    _yaml = None  # type: ignore[assignment]

_MERGE = object()
_KEY_OF_A_COLLECTION = (
    "The key of a mapping has to be a string, and this one is a list or a mapping. `{{ ... }}` is not filled"
    " in in a blueprint: an input's value is `{ get_input: NAME }`, and a text with braces is put in quotes."
)
_STRING = "tag:yaml.org,2002:str"
_PLAIN_COLLECTIONS = frozenset({None, "!", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"})


class TextError(Exception):
    """The text is not YAML that a blueprint may hold. ``line`` and ``column`` count from 1."""

    def __init__(self, message: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column


class _EventSource(Protocol):
    def get_event(self) -> Any: ...


class _TolerantReader(Reader, Scanner, Parser):
    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)


class Budget:
    """What is left of ``Limits.values`` for all the files of one blueprint."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.left = limits.values


class Read(NamedTuple):
    """The value of a text, and whether any mapping in it has a key twice: then the last one counts."""

    value: Any
    repeats: bool


def read_yaml(text: str, budget: Budget) -> Read:
    """What the one document in ``text`` holds; an empty text is an empty mapping. Raises TextError."""
    budget_before = budget.left
    try:
        return _build(_source(text), budget)
    except yaml.YAMLError as error:
        if len(text) > budget.limits.tolerant_bytes or _yaml is None:
            raise _text_error(error) from error
    budget.left = budget_before
    try:
        return _build(_TolerantReader(text), budget)
    except yaml.YAMLError as error:
        raise _text_error(error) from error
    except (IndexError, ValueError, RecursionError) as error:
        raise TextError(f"The text cannot be read as YAML: {error}.") from error


def _source(text: str) -> _EventSource:
    if _yaml is None:
        return _TolerantReader(text)
    source: _EventSource = _yaml.CParser(text)
    return source


def _text_error(error: yaml.YAMLError) -> TextError:
    message, mark = explain(error)
    return TextError(message, mark.line + 1, mark.column + 1) if mark else TextError(message)


def _at(event: Any, message: str) -> TextError:
    mark = event.start_mark
    return TextError(message, mark.line + 1, mark.column + 1)


class _Scalars(Resolver, SafeConstructor):
    """Turns the text of a scalar into its value, by the rules of YAML 1.1, remembering what it found."""

    def __init__(self) -> None:
        Resolver.__init__(self)
        SafeConstructor.__init__(self)
        self.plain: dict[str, Any] = {}

    def resolve_plain(self, event: Any) -> Any:
        text = event.value
        tag: str = self.resolve(ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
        value = text if tag == _STRING else self.tagged(event, tag)
        if len(self.plain) < 100_000:
            self.plain[text] = value
        return value

    def tagged(self, event: Any, tag: str) -> Any:
        if tag == "tag:yaml.org,2002:merge":
            return _MERGE
        if tag in ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:value"):
            # A plan is JSON: a date stays what was written.
            return event.value
        constructor = self.yaml_constructors.get(tag)
        if constructor is None or tag == "tag:yaml.org,2002:binary":
            raise _at(event, f"The tag `{tag}` is not supported in a blueprint.")
        try:
            value = constructor(self, ScalarNode(tag, event.value, event.start_mark, event.end_mark))
        except (yaml.YAMLError, ValueError, KeyError, AttributeError, OverflowError) as error:
            raise _at(event, f"`{event.value}` is not a valid value for the tag `{tag}`.") from error
        if isinstance(value, datetime.date | bytes):
            return event.value
        if isinstance(value, int | float) and not _fits_json(value):
            raise _at(event, f"The number {event.value[:40]} cannot be kept: put it in quotes.")
        return value


def _fits_json(number: float) -> bool:
    """Return whether every JSON can have it: no infinity, and no integer that needs more than 64 bits."""
    return math.isfinite(number) if isinstance(number, float) else -(2**63) <= number < 2**64


def _check_characters(event: Any) -> None:
    """Escapes can make what no database keeps."""
    text = event.value
    if "\0" in text or (not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text)):
        raise _at(event, "This text holds a character that cannot be kept: NUL, or half of a surrogate pair.")


def _build(source: _EventSource, budget: Budget) -> Read:
    """One loop over the events. ``stack`` holds the open containers, and what was pending in them."""
    scalars = _Scalars()
    plain = scalars.plain
    get_event: Callable[[], Any] = source.get_event
    limits = budget.limits
    left = budget.left
    # An anchor's value, the number of values in it, and the levels of nesting in it.
    anchors: dict[str, tuple[Any, int, int]] = {}
    heights = [0]
    stack: list[tuple[Any, Any, str | None, int, Any]] = []
    missing = object()
    container: Any = None
    key: Any = missing
    anchor: str | None
    merges: dict[int, list[Any]] = {}
    root: Any = missing
    repeats = False
    while True:
        event = get_event()
        kind = event.__class__
        if kind is ScalarEvent:
            if event.tag is None and event.implicit[0]:
                try:
                    value = plain[event.value]
                except KeyError:
                    value = scalars.resolve_plain(event)
            elif event.tag is None or event.tag == "!":
                value = event.value
                if event.style == '"':
                    _check_characters(event)
            else:
                value = scalars.tagged(event, event.tag)
            left -= 1
            if event.anchor is not None:
                anchors[event.anchor] = (value, 1, 0)
        elif kind is MappingStartEvent or kind is SequenceStartEvent:
            if event.tag not in _PLAIN_COLLECTIONS:
                raise _at(event, f"The tag `{event.tag}` is not supported in a blueprint.")
            if len(stack) >= limits.depth:
                raise _too_deep(event, limits)
            heights.append(0)
            anchor = event.anchor
            stack.append((container, key, anchor, left, event))
            container = {} if kind is MappingStartEvent else []
            key = missing
            left -= 1
            continue
        elif kind is MappingEndEvent or kind is SequenceEndEvent:
            value = container
            container, key, anchor, left_before, event = stack.pop()
            height = heights.pop() + 1
            if height > heights[-1]:
                heights[-1] = height
            if kind is MappingEndEvent and id(value) in merges:
                value = _merged(value, merges.pop(id(value)), event)
            if anchor is not None:
                anchors[anchor] = (value, left_before - left, height)
        elif kind is AliasEvent:
            if event.anchor not in anchors:
                raise _at(
                    event, f"The alias `*{event.anchor}` refers to an anchor that is not defined before it."
                )
            value, weight, height = anchors[event.anchor]
            if len(stack) + height > limits.depth:
                raise _too_deep(event, limits)
            if height > heights[-1]:
                heights[-1] = height
            left -= weight
        elif kind is DocumentStartEvent:
            if root is not missing:
                raise _at(event, "A blueprint file holds one YAML document, and here a second one begins.")
            continue
        elif kind is StreamEndEvent:
            budget.left = left
            return Read({} if root is missing or root is None else root, repeats)
        else:
            continue
        if left < 0:
            raise _at(
                event,
                f"The blueprint holds more than the limit of {limits.values} values (aliases are counted "
                "as often as they are used).",
            )
        if container is None:
            root = value
        elif container.__class__ is list:
            container.append(value)
        elif key is missing:
            if isinstance(value, dict | list):
                raise _at(event, _KEY_OF_A_COLLECTION)
            key = value
        else:
            if key is _MERGE:
                merges.setdefault(id(container), []).append(value)
            else:
                repeats = repeats or key in container
                container[key] = None if value is _MERGE else value
            key = missing


def _too_deep(event: Any, limits: Limits) -> TextError:
    return _at(event, f"Values are nested deeper than the limit of {limits.depth} levels.")


def _merged(own: dict[Any, Any], merges: list[Any], event: Any) -> dict[Any, Any]:
    """Return the mapping ``own`` with what its ``<<`` keys bring: its own entries win, and so do earlier
    merges.
    """
    sources: list[dict[Any, Any]] = []
    for merge in merges:
        for source in merge if isinstance(merge, list) else [merge]:
            if not isinstance(source, dict):
                raise _at(event, "The value of `<<` has to be a mapping or a list of mappings.")
            sources.append(source)
    result: dict[Any, Any] = {}
    for source in reversed(sources):
        result.update(source)
    result.update(own)
    # The same object, because an alias or an outer container may refer to it already.
    own.clear()
    own.update(result)
    return own
