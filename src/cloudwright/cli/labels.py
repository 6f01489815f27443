"""`cfy deployments labels` and `cfy blueprints labels`: the labels of one of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from cloudwright.cli import completion, inputs, options
from cloudwright.cli.formatting import columns
from cloudwright.cli.lazy import SuggestingGroup
from cloudwright.cli.session import Session, pass_session

COLUMNS = columns("key", "values")
Pair = tuple[str, str]


def labels_of(noun: str) -> click.Group:
    """Return the group of commands for the labels of a `deployment` or a `blueprint`."""
    identifier = click.argument(f"{noun}_id", shell_complete=getattr(completion, f"{noun}s"))

    def collection(session: Session) -> Any:
        return getattr(session.client, f"{noun}s")

    def read(session: Session, id: str) -> list[Pair]:
        with session.finding(noun, id):
            found = collection(session).get(id, fields=("labels",))
        return [(label["key"], label["value"]) for label in found["labels"]]

    def write(session: Session, id: str, pairs: Sequence[Pair]) -> None:
        collection(session).set_labels(id, [{key: value} for key, value in pairs])

    @click.group("labels", cls=SuggestingGroup, help=f"Show and change the labels of a {noun}.")
    @options.shared
    def labels() -> None:
        pass

    @labels.command("list", help=f"List the labels of a {noun}.")
    @identifier
    @options.standard
    @options.extended
    @pass_session
    def list_labels(session: Session, /, **given: str) -> None:
        id = given[f"{noun}_id"]
        found: dict[str, list[str]] = {}
        for key, value in read(session, id):
            found.setdefault(key, []).append(value)
        if session.out.as_json:
            session.out.json(found)
            return
        rows = [{"key": key, "values": ", ".join(values)} for key, values in found.items()]
        session.out.records(rows, COLUMNS, noun="labels", where=f" of {noun} `{id}`")

    @labels.command(
        "add",
        help=f"Add labels to a {noun}.\n\nLABELS is KEY:VALUE,...; a comma or a colon in a value is written "
        "with a backslash before it.",
    )
    @click.argument("labels", callback=lambda _context, _parameter, text: _pairs(text))
    @identifier
    @options.standard
    @pass_session
    def add(session: Session, /, labels: list[Pair], **given: str) -> None:
        id = given[f"{noun}_id"]
        there = read(session, id)
        new = [pair for pair in dict.fromkeys(labels) if pair not in there]
        if new:
            write(session, id, [*there, *new])
        _tell(session, noun, id, "added", new, "has all of them already")

    @labels.command(
        "delete",
        help=f"Delete labels of a {noun}.\n\nLABELS is KEY:VALUE,... or KEY,...: a key stands for all its "
        "values.",
    )
    @click.argument("labels")
    @identifier
    @options.standard
    @pass_session
    def delete(session: Session, /, labels: str, **given: str) -> None:
        id = given[f"{noun}_id"]
        keys, pairs = _named(labels)
        there = read(session, id)
        gone = [pair for pair in there if pair in pairs or pair[0] in keys]
        if gone:
            write(session, id, [pair for pair in there if pair not in gone])
        _tell(session, noun, id, "deleted", gone, "has none of them")

    return labels


def _pairs(text: str) -> list[Pair]:
    return [pair for label in inputs.read_labels(text) for pair in label.items()]


def _named(text: str) -> tuple[list[str], list[Pair]]:
    """Return the keys, and the pairs of keys and values, that a text names."""
    parts = inputs.split_labels(text)
    keys = [part.strip().lower() for part in parts if len(inputs.split_labels(part, ":")) == 1]
    rest = ",".join(part for part in parts if len(inputs.split_labels(part, ":")) > 1)
    return keys, _pairs(rest) if rest else []


def _tell(session: Session, noun: str, id: str, done: str, pairs: Sequence[Pair], otherwise: str) -> None:
    named = ", ".join(f"{key}:{value}" for key, value in pairs)
    subject = f"{noun.capitalize()} `{id}`"
    session.out.say(f"{subject}: {done} {named}." if pairs else f"{subject} {otherwise}.")
    if session.out.as_json:
        session.out.json([{key: value} for key, value in pairs])
