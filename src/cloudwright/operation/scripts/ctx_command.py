"""Evaluates a ``ctx`` command line of a script: `ctx instance runtime-properties port 8080`.

The words walk from attribute to attribute of the context, until they come to a dictionary, of which the next
word is a key (and the one after it a value to set), or to a method, of which the remaining words are the
arguments.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import ItemsView, Iterator, KeysView, MutableMapping, ValuesView
from typing import Any, NamedTuple

from cloudwright.child.errors import ScriptException

_MISSING = object()
_SEGMENT = re.compile(r"(?P<key>.*?)(?P<indexes>(\[\d+\])*)", re.DOTALL)
#: Methods of dictionaries that a script may call; a key of the same name goes first.
_METHODS = frozenset({"get", "keys", "values", "items", "pop", "update", "setdefault", "clear", "copy"})
#: Where the result is a file, relative to where the script is and not to where the operation's process is.
_TARGETS = frozenset({"download_resource", "download_resource_and_render", "download_directory"})


class BadCommand(Exception):
    """Invalid ``ctx`` command."""


class Result(NamedTuple):
    """What a ``ctx`` command prints to its two outputs, and its exit code."""

    code: int
    out: str = ""
    err: str = ""


class _Options:
    def __init__(self) -> None:
        self.json_output = False
        self.json_prefix = "@"


def evaluate(ctx: Any, words: list[str], cwd: str) -> Result:
    """Return what the command with these ``words``, run in folder ``cwd``, prints, and its exit code."""
    try:
        options, words = _options(words)
        value = value_of(ctx, [_argument(word, options.json_prefix) for word in words], cwd)
        if isinstance(value, ScriptException):
            return Result(1, err=f"{value}\n")
        return Result(0, out=_printed(value, options.json_output, words))
    except BadCommand as error:
        return Result(1, err=f"ctx: {error}\n")
    except Exception as error:  # noqa: BLE001 - whatever ctx's methods raise is the command's error
        return Result(1, err=f"ctx {' '.join(words)}: {type(error).__name__}: {error}\n")


def value_of(ctx: Any, words: list[Any], cwd: str) -> Any:
    """Return what ``words`` lead to from ``ctx``. Raises BadCommand, and whatever a method raises."""
    if not words:
        raise BadCommand("name a part of the context: ctx node properties KEY, ctx logger info MESSAGE, ...")
    current = ctx
    for index, word in enumerate(words):
        if isinstance(current, MutableMapping):
            return _in_mapping(current, words[index:])
        if callable(current):
            return _call(current, words[index:], cwd)
        current = _attribute(current, word, words[:index])
    return current() if callable(current) else current


def _attribute(value: Any, word: Any, before: list[Any]) -> Any:
    if isinstance(word, str) and word and not word.startswith("_"):
        for name in (word, word.replace("-", "_")):
            found = getattr(value, name, _MISSING)
            if found is not _MISSING:
                return found
    raise BadCommand(f"there is no `{word}` in `ctx{''.join(f' {each}' for each in before)}`")


def _call(method: Any, arguments: list[Any], cwd: str) -> Any:
    name = getattr(method, "__name__", "")
    named: dict[str, Any] = {}
    # What a script returns may be a dictionary; everywhere else one at the end holds named arguments.
    if name != "returns" and isinstance(arguments[-1], dict):
        *arguments, named = arguments
    if name in _TARGETS:
        arguments = [
            *arguments[:1],
            *(os.path.join(cwd, target) for target in arguments[1:2]),
            *arguments[2:],
        ]
        if named.get("target_path"):
            named = named | {"target_path": os.path.join(cwd, named["target_path"])}
    return method(*arguments, **named)


def _in_mapping(mapping: MutableMapping[str, Any], words: list[Any]) -> Any:
    key, *values = words
    if key not in mapping and key in _METHODS:
        return _call(getattr(mapping, key), values, "") if values else getattr(mapping, key)()
    if not values:
        return _read(mapping, str(key))
    if len(values) > 1:
        raise BadCommand(
            f"one value can be set for `{key}`, and {len(values)} were given; quote values that hold spaces"
        )
    _write(mapping, str(key), values[0])
    return None


def _read(mapping: MutableMapping[str, Any], path: str) -> Any:
    if path in mapping:
        return mapping[path]
    current: Any = mapping
    for step in _steps(path):
        try:
            current = current[step]
        except (KeyError, IndexError, TypeError):
            raise BadCommand(f"there is no `{path}`: `{step}` is missing") from None
    return current


def _write(mapping: MutableMapping[str, Any], path: str, value: Any) -> None:
    if path in mapping:
        mapping[path] = value
        return
    *steps, last = _steps(path)
    current: Any = mapping
    for step in steps:
        if isinstance(step, str) and isinstance(current, MutableMapping) and step not in current:
            current[step] = {}
        current = _read_step(current, step, path)
    if isinstance(last, int):
        _read_step(current, last, path)
    elif not isinstance(current, MutableMapping):
        raise BadCommand(f"`{path}` cannot be set: `{last}` would be inside a value that is not a dictionary")
    current[last] = value


def _read_step(current: Any, step: str | int, path: str) -> Any:
    try:
        return current[step]
    except (KeyError, IndexError, TypeError):
        raise BadCommand(f"`{path}` cannot be set: `{step}` is missing") from None


def _steps(path: str) -> Iterator[str | int]:
    """`a.b[2].c` as "a", "b", 2, "c"."""
    for segment in path.split("."):
        match = _SEGMENT.fullmatch(segment)
        assert match is not None, "the pattern matches every text"
        if match["key"]:
            yield match["key"]
        for index in re.findall(r"\d+", match["indexes"]):
            yield int(index)


def _options(words: list[str]) -> tuple[_Options, list[str]]:
    """Return the options before the first word, and the words."""
    options = _Options()
    rest = list(words)
    while rest and rest[0].startswith("-") and rest[0] != "-":
        option, given, value = rest.pop(0).partition("=")
        if option == "--":
            break
        if option in ("-j", "--json-output"):
            options.json_output = True
        elif option in ("-t", "--timeout", "--json-arg-prefix"):
            if not given:
                if not rest:
                    raise BadCommand(f"{option} needs a value")
                value = rest.pop(0)
            if option == "--json-arg-prefix":
                options.json_prefix = value
            # A timeout is taken and not needed: there is an answer, or the operation has ended and the
            # command fails.
        else:
            raise BadCommand(
                f"there is no option {option}; the options are -j, --json-arg-prefix and --timeout"
            )
    return options, rest


def _argument(word: str, prefix: str) -> Any:
    if not prefix or not word.startswith(prefix):
        return word
    try:
        return json.loads(word[len(prefix) :])
    except ValueError as error:
        raise BadCommand(
            f"`{word}` starts with `{prefix}`, so it is read as JSON, but it is not valid JSON ({error}); "
            "--json-arg-prefix says what JSON starts with"
        ) from None


def _printed(value: Any, as_json: bool, words: list[str]) -> str:
    if isinstance(value, KeysView | ValuesView | ItemsView):
        value = list(value)
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    try:
        text = json.dumps(value)
    except (TypeError, ValueError):
        raise BadCommand(
            f"`ctx {' '.join(words)}` is not a value that can be printed; ask for one of its parts"
        ) from None
    if as_json:
        return text
    # Nothing, false and empty print nothing, so that a shell's `[ -n "$(ctx ...)" ]` asks what it seems to
    # ask.
    return str(value) if value or (value == 0 and value is not False) else ""
