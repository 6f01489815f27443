"""What a page that lists a resource of the API is made of: columns, forms, and what a row can be asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Endpoint = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Column:
    """``kind`` says how a value is shown: ``text``, ``time``, ``status``, ``check``, ``count``, ``names``,
    ``roles``, or ``deployment``, ``execution``, ``blueprint`` and ``tenant`` for a link to its page.
    """

    label: str
    field: str
    kind: str = "text"


@dataclass(frozen=True, slots=True)
class Input:
    """A field of a form: ``kind`` is ``text``, ``password``, ``area``, ``choice``, ``check`` or ``file``."""

    name: str
    label: str
    kind: str = "text"
    required: bool = True
    choices: tuple[str, ...] = ()
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Form:
    """A request made of a form. ``path`` may name inputs, which then are not in the body. ``named`` is the
    input that names what is made, and what it is called there.
    """

    name: str
    title: str
    method: str
    path: str
    endpoint: Endpoint
    inputs: tuple[Input, ...]
    said: str
    named: tuple[str, str] | None = None

    @property
    def file(self) -> Input | None:
        return next((each for each in self.inputs if each.kind == "file"), None)


@dataclass(frozen=True, slots=True)
class Action:
    """A request for one row; ``{id}`` in its texts is the row's. ``offered`` says for which rows it is."""

    name: str
    label: str
    method: str
    path: str
    endpoint: Endpoint
    said: str
    confirm: str | None = None
    body: Mapping[str, Any] | None = None
    offered: Callable[[Mapping[str, Any]], bool] = lambda row: True


@dataclass(frozen=True, slots=True)
class Listing:
    """``path`` is where the page is, ``api`` what it lists. ``live`` are the kinds of changes that concern
    it.
    """

    path: str
    title: str
    noun: str
    api: str
    endpoint: Endpoint
    columns: tuple[Column, ...]
    id: str = "id"
    key: str = ""
    forms: tuple[Form, ...] = ()
    actions: tuple[Action, ...] = ()
    asked: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""
    search: str = "ID"
    live: str = ""
    # Not every list of the API has the same names for its pages.
    size: str = "_size"
    offset: str = "_offset"
