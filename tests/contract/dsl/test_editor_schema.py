"""The schema for editors takes what the parser takes, and finds the mistakes that a schema can find."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import corpus
import jsonschema_rs
import pytest
import yaml

from cloudwright.dsl.editor_schema import editor_schema
from cloudwright.dsl.functions.syntax import FUNCTIONS

ROOT = Path(__file__).parents[3]
EXAMPLES = sorted(
    path for folder in ("examples", "tests/fixtures") for path in (ROOT / folder).rglob("blueprint.yaml")
)
VALIDATOR = jsonschema_rs.validator_for(editor_schema())


def problems(text: str) -> list[str]:
    # Dates are text in a blueprint.
    document: Any = json.loads(json.dumps(yaml.safe_load(text), default=str))
    return [f"{list(error.instance_path)}: {error.message}" for error in VALIDATOR.iter_errors(document)]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.parent.name)
def test_an_example_fits(path: Path) -> None:
    assert problems(path.read_text("utf-8")) == []


def test_what_both_parsers_take_fits() -> None:
    good = [case for case in corpus.cases() if case.kind == "good"]
    assert len(good) > 100
    wrong = {}
    for case in good:
        try:
            found = problems(case.text)
        except (yaml.YAMLError, ValueError, TypeError):
            # YAML that this test's own reader does not take, on purpose.
            continue
        if found:
            wrong[case.name] = found
    assert wrong == {}


@pytest.mark.parametrize(
    "text",
    [
        "node_template: {a: {type: cloudify.nodes.Root}}",
        "node_templates: {a: {tipe: cloudify.nodes.Root}}",
        "node_templates: {a: {type: 3}}",
        "node_templates: {a: {type: t, interfaces: {i: {o: {implementation: s, max_retry: 1}}}}}",
        "inputs: {a: {defualt: 1}}",
        "tosca_definitions_version: cloudify_dsl_9",
        "workflows: {w: {parameters: {}}}",
    ],
)
def test_a_mistake_is_found(text: str) -> None:
    assert len(problems(text)) >= 1


def test_functions_are_known() -> None:
    assert set(editor_schema()["$defs"]["function"]["properties"]) == set(FUNCTIONS)
