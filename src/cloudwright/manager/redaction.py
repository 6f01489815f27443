"""Keeps the values of secrets out of what is recorded.

Texts for people (events, log lines, errors) get ``***`` in the place of a value. What a process gets back
later (the inputs and results of operations) is *sealed*: the value is encrypted in its place.

What this replaces is the text of a value, and the ways in which it is written when it is quoted: escaped as
Python's ``repr`` and JSON do it, percent-encoded as in a URL, each line of a longer text, each text inside of
a JSON document. Something that was computed from a value (its hash, its base64) is not recognised.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import quote
from weakref import WeakValueDictionary

MASK = "***"
#: Shorter texts are in so many words that replacing them would make a log unreadable, and hide nothing.
SHORTEST = 4
#: A line of a longer text is replaced if it is at least so long.
SHORTEST_LINE = 8
#: What stands in stored inputs and results for a value: encrypted, so that it can be put back for a process.
_SEALED = re.compile(r"<sealed ([0-9a-f]{8}:[A-Za-z0-9+/=]+)>")
_SEALED_BEGINS = "<sealed "


def mask(text: str, values: Iterable[str]) -> str:
    """Return ``text`` with ``***`` in the place of each of ``values``."""
    found = pattern(values)
    return text if found is None else found.sub(MASK, text)


def pattern(values: Iterable[str]) -> re.Pattern[str] | None:
    """Return a pattern that finds ``values`` in a text, the longest first; None without values."""
    forms = {form for value in values for form in _forms(value)}
    if not forms:
        return None
    return re.compile("|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True)))


def _forms(value: str) -> Iterator[str]:
    for text in _parts(value):
        for form in (text, repr(text)[1:-1], json.dumps(text)[1:-1], quote(text, safe="")):
            if len(form) >= SHORTEST:
                yield form


def _parts(value: str) -> Iterator[str]:
    yield value
    if value.strip() != value:
        yield value.strip()
    if "\n" in value.strip():
        yield from (line for line in map(str.strip, value.splitlines()) if len(line) >= SHORTEST_LINE)
    if value.lstrip()[:1] in ("{", "["):
        try:
            document = json.loads(value)
        except ValueError:
            return
        yield from _leaves(document)


def _leaves(value: Any) -> Iterator[str]:
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            pending += item.values()
        elif isinstance(item, list):
            pending += item
        elif isinstance(item, str):
            yield from _parts(item)
        elif isinstance(item, int | float) and not isinstance(item, bool):
            yield str(item)


class Concealment:
    """The values of the secrets that one execution has read. False as long as there are none."""

    __slots__ = ("__weakref__", "_pattern", "_values")

    def __init__(self) -> None:
        self._values: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def __bool__(self) -> bool:
        return self._pattern is not None

    def learn(self, values: Iterable[str]) -> None:
        new = set(values) - self._values
        if new:
            self._values |= new
            self._pattern = pattern(self._values)

    def mask(self, text: str) -> str:
        """Return ``text`` with ``***`` in the place of each value."""
        return text if self._pattern is None else self._pattern.sub(MASK, text)

    def mask_in(self, value: Any) -> Any:
        """As ``mask``, for every text in ``value``."""
        return _each_text(value, self.mask)

    def seal(self, value: Any, encrypt: Callable[[str], str]) -> Any:
        """Return ``value`` with each secret in its texts encrypted; the same object if there is none."""
        found = self._pattern
        if found is None:
            return value
        return _each_text(value, lambda text: found.sub(lambda match: f"<sealed {encrypt(match[0])}>", text))


class Concealments:
    """What executions have read, by their ids, as long as anything of them runs."""

    def __init__(self) -> None:
        self._of: WeakValueDictionary[str, Concealment] = WeakValueDictionary()

    def __bool__(self) -> bool:
        return bool(self._of)

    def add(self, execution_id: str, concealment: Concealment) -> None:
        """Find ``concealment`` from here on, as long as its owner keeps it."""
        self._of[execution_id] = concealment

    def learn(self, execution_id: str, values: Iterable[str]) -> None:
        concealment = self._of.get(execution_id)
        if concealment is not None:
            concealment.learn(values)

    def mask(self, execution_id: str, text: str) -> str:
        concealment = self._of.get(execution_id)
        return text if concealment is None else concealment.mask(text)


def unseal(value: Any, decrypt: Callable[[str], str]) -> Any:
    """Return ``value`` with what ``seal`` has encrypted put back; the same object if that is nothing."""
    return _each_text(value, lambda text: _unsealed(text, decrypt))


def without_sealed(text: str) -> str:
    """Return a text, or JSON as a text, with ``***`` for what is sealed in it."""
    return _SEALED.sub(MASK, text) if _SEALED_BEGINS in text else text


def _unsealed(text: str, decrypt: Callable[[str], str]) -> str:
    return _SEALED.sub(lambda match: decrypt(match[1]), text) if _SEALED_BEGINS in text else text


def _each_text(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        changed = {change(key): _each_text(item, change) for key, item in value.items()}
        return value if all(changed.get(key) is item for key, item in value.items()) else changed
    if isinstance(value, list):
        items = [_each_text(item, change) for item in value]
        return value if all(new is old for new, old in zip(items, value, strict=True)) else items
    return value
