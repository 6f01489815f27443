"""Forms made of parameters, and the values that come back."""

from __future__ import annotations

from typing import Any

import pytest

from cloudwright.console.parameter_forms import PREFIX, entered, fields_of, values_of

PARAMETERS: dict[str, dict[str, Any]] = {
    "text": {"default": "hello", "description": "What to say."},
    "needed": {},
    "count": {"type": "integer", "default": 3, "constraints": [{"in_range": [1, 9]}]},
    "seconds": {"default": 2},
    "flag": {"type": "boolean", "default": False},
    "how": {"type": "string", "default": "stop", "constraints": [{"valid_values": ["stop", "go"]}]},
    "nodes": {"type": "list", "default": []},
    "anything": {"default": None},
}


def test_each_parameter_has_the_field_of_its_type_and_constraints() -> None:
    fields = {field.name: field for field in fields_of(PARAMETERS, {})}
    kinds = {name: field.kind for name, field in fields.items()}
    assert kinds == {
        "text": "text",
        "needed": "text",
        "count": "number",
        "seconds": "number",
        "flag": "choice",
        "how": "choice",
        "nodes": "json",
        "anything": "text",
    }
    assert fields["text"].value == "hello"
    assert fields["needed"].required
    assert not fields["text"].required
    assert fields["how"].choices == ("stop", "go")
    assert "in range" in fields["count"].hint


def test_what_is_left_as_it_is_is_not_sent() -> None:
    shown = {field.name: field.value for field in fields_of(PARAMETERS, {}) if not field.required}
    assert values_of(PARAMETERS, shown) == ({}, {})


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("text", "", ""),
        ("count", "5", 5),
        ("seconds", "0.5", 0.5),
        ("seconds", "7", 7),
        ("flag", "true", True),
        ("how", "go", "go"),
        ("nodes", '["a", "b"]', ["a", "b"]),
        ("anything", '{"a": 1}', {"a": 1}),
        ("anything", "plain", "plain"),
        ("needed", "5", "5"),
    ],
)
def test_what_is_entered_has_the_parameters_type(name: str, text: str, value: Any) -> None:
    assert values_of(PARAMETERS, {name: text}) == ({name: value}, {})


def test_what_cannot_be_read_is_said_by_name_and_kept() -> None:
    given = {"nodes": "[1,", "count": "many"}
    values, problems = values_of(PARAMETERS, given)
    assert values == {}
    assert set(problems) == {"nodes", "count"}
    assert {field.name: field.value for field in fields_of(PARAMETERS, given)}["nodes"] == "[1,"


def test_fields_of_the_form_are_no_parameters() -> None:
    assert entered([("csrf", "x"), (f"{PREFIX}csrf", "mine"), ("force", "1")]) == {"csrf": "mine"}
