"""Rules of filters as they are typed: `env=[test,prod]`, `id contains web`, `env is null`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import click

from cloudwright.cli import options

Rule = dict[str, Any]

_LABEL, _ATTRIBUTE = "label", "attribute"
_WORDS: Mapping[str, Mapping[str, str]] = {
    _LABEL: {"!=": "not_any_of", "=": "any_of", " is-not ": "is_not"},
    _ATTRIBUTE: {
        "!=": "not_any_of",
        "=": "any_of",
        " contains ": "contains",
        " does-not-contain ": "not_contains",
        " starts-with ": "starts_with",
        " ends-with ": "ends_with",
    },
}
_ALONE: Mapping[str, Mapping[str, str]] = {
    _LABEL: {" is null": "is_null", " is not null": "is_not_null"},
    _ATTRIBUTE: {" is not empty": "is_not_empty"},
}
_KEY = r"[\w.-]+"


def _rule(text: str, kind: str) -> Rule:
    """Raises click.BadParameter."""
    for words, operator in _ALONE[kind].items():
        if re.fullmatch(_KEY + words, text):
            return {"key": text.removesuffix(words).lower(), "values": [], "operator": operator, "type": kind}
    for words, operator in _WORDS[kind].items():
        found = re.fullmatch(f"({_KEY}){words}(.+)", text)
        if found:
            key = found[1].lower()
            return {"key": key, "values": _values(found[2]), "operator": operator, "type": kind}
    forms = [f"KEY{words}VALUE" for words in _WORDS[kind]] + [f"KEY{words}" for words in _ALONE[kind]]
    raise click.BadParameter(
        f"`{text}` is not a rule; write one as {', '.join(f'`{form}`' for form in forms)}."
    )


def _values(text: str) -> list[str]:
    """Return the values of ``a`` or of ``[a,b]``; a backslash keeps a comma or a colon."""
    inner = text[1:-1] if text.startswith("[") and text.endswith("]") else None
    parts = [text] if inner is None else re.split(r"(?<!\\),", inner)
    return [re.sub(r"\\([,:$])", r"\1", part).strip() for part in parts]


def rule_text(rule: Mapping[str, Any]) -> str:
    """Return a rule as it is typed."""
    kind = rule["type"]
    for words, operator in _ALONE[kind].items():
        if operator == rule["operator"]:
            return f"{rule['key']}{words}"
    words = next(words for words, operator in _WORDS[kind].items() if operator == rule["operator"])
    values = [value.replace(",", "\\,") for value in rule["values"]]
    return f"{rule['key']}{words}{values[0] if len(values) == 1 else '[' + ','.join(values) + ']'}"


def _reader(kind: str) -> Callable[[click.Context, click.Parameter, tuple[str, ...]], list[Rule]]:
    return lambda _context, _parameter, texts: [_rule(text, kind) for text in texts]


rules = options.together(
    click.option(
        "-lr",
        "--labels-rule",
        metavar="RULE",
        multiple=True,
        callback=_reader(_LABEL),
        help="A rule about labels: `KEY=VALUE`, `KEY!=VALUE`, `KEY is-not VALUE`, `KEY is null`, "
        "`KEY is not null`; VALUE may be `[A,B]`. May be given several times.",
    ),
    click.option(
        "-ar",
        "--attrs-rule",
        metavar="RULE",
        multiple=True,
        callback=_reader(_ATTRIBUTE),
        help="A rule about a field: `KEY=VALUE`, `KEY!=VALUE`, `KEY contains VALUE`, `KEY does-not-contain "
        "VALUE`, `KEY starts-with VALUE`, `KEY ends-with VALUE`, `KEY is not empty`. May be given several "
        "times.",
    ),
)
"""The options that narrow a list by rules."""

filter_id = click.option("--filter-id", metavar="ID", help="Show those that this stored filter leaves.")
