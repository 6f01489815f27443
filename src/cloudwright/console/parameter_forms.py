"""Forms made of the parameters of a workflow or the inputs of a blueprint: types, constraints, defaults."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from cloudwright.console.formatting import pretty

#: What the name of a parameter's field begins with, so that none can be taken for a field of the form.
PREFIX = "parameter:"
_NUMBERS = {"integer": "1", "float": "any"}


@dataclass(frozen=True, slots=True)
class Field:
    """``kind`` is ``text``, ``number``, ``choice`` or ``json``."""

    name: str
    kind: str
    value: str
    description: str
    hint: str
    required: bool
    choices: tuple[str, ...] = ()
    step: str = ""


def fields_of(parameters: Mapping[str, Mapping[str, Any]], given: Mapping[str, str]) -> list[Field]:
    """Return the fields; ``given`` is what was entered before."""
    return [_field(name, schema, given.get(name)) for name, schema in parameters.items()]


def entered(form: Iterable[tuple[str, Any]]) -> dict[str, str]:
    """Return what was entered, by the parameters' names."""
    return {name.removeprefix(PREFIX): str(value) for name, value in form if name.startswith(PREFIX)}


def values_of(
    parameters: Mapping[str, Mapping[str, Any]], given: Mapping[str, str]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the values that differ from the defaults, and what cannot be read, by name."""
    values: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for name, schema in parameters.items():
        text = given.get(name)
        field = _field(name, schema, None)
        if text is None or text.replace("\r\n", "\n") == field.value:
            continue
        if text == "" and field.kind != "text":
            continue
        try:
            values[name] = _value(field, schema, text)
        except ValueError:
            problems[name] = f"This is no {schema.get('type') or 'JSON'}."
    return values, problems


def _field(name: str, schema: Mapping[str, Any], given: str | None) -> Field:
    kind, choices = _kind(schema)
    default = schema.get("default")
    shown = "" if default is None else _text(kind, default)
    hints = [str(schema["type"])] if schema.get("type") else []
    hints += [_constraint(each) for each in schema.get("constraints") or ()]
    return Field(
        name,
        kind,
        shown if given is None else given,
        str(schema.get("description") or ""),
        ", ".join(hints),
        "default" not in schema and schema.get("required", True) is not False,
        choices,
        _NUMBERS.get(str(schema.get("type")), "any"),
    )


def _kind(schema: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    for constraint in schema.get("constraints") or ():
        if isinstance(constraint, Mapping) and isinstance(constraint.get("valid_values"), list):
            return "choice", tuple(_text("text", value) for value in constraint["valid_values"])
    type, default = schema.get("type"), schema.get("default")
    if type == "boolean" or (type is None and isinstance(default, bool)):
        return "choice", ("true", "false")
    if type in _NUMBERS or (type is None and isinstance(default, (int, float))):
        return "number", ()
    if type is not None and type not in ("list", "dict"):
        return "text", ()
    return ("json", ()) if type or (default is not None and not isinstance(default, str)) else ("text", ())


def _text(kind: str, value: Any) -> str:
    if isinstance(value, str) and kind != "json":
        return value
    if isinstance(value, (dict, list)):
        return pretty(value)
    return orjson.dumps(value).decode()


def _constraint(constraint: Any) -> str:
    if not isinstance(constraint, Mapping):
        return ""
    return " ".join(f"{name.replace('_', ' ')} {_text('text', value)}" for name, value in constraint.items())


def _value(field: Field, schema: Mapping[str, Any], text: str) -> Any:
    """Raises ValueError."""
    if field.kind == "choice":
        for constraint in schema.get("constraints") or ():
            for value in (constraint.get("valid_values") or ()) if isinstance(constraint, Mapping) else ():
                if _text("text", value) == text:
                    return value
        return {"true": True, "false": False}.get(text, text)
    if schema.get("type") == "float":
        return float(text)
    if field.kind == "number":
        return int(text) if schema.get("type") or text.lstrip("-").isdigit() else float(text)
    # What has no type may be a list or an object too.
    if field.kind == "json" or (not schema.get("type") and text[:1] in ("[", "{")):
        return orjson.loads(text)
    return text
