"""The reference of the language: everything is on it, and every example is one that the parser takes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cloudwright import dsl
from cloudwright.dsl.blueprint import SECTIONS
from cloudwright.dsl.constraints import RULES
from cloudwright.dsl.functions.syntax import FUNCTIONS
from cloudwright.dsl.property_types import PRIMITIVE_TYPES

PAGES = Path(__file__).parents[3] / "docs" / "reference" / "language"
HEAD = "tosca_definitions_version: cloudify_dsl_1_5\nimports: [cloudify/types/types.yaml]\n"
EXAMPLES = [
    pytest.param(text, id=f"{page.stem}-{number}")
    for page in sorted(PAGES.glob("*.md"))
    for number, text in enumerate(re.findall(r"```yaml\n(.*?)```", page.read_text("utf-8"), re.DOTALL))
]


def headings(page: str) -> str:
    text = (PAGES / page).read_text("utf-8")
    return "\n".join(line for line in text.splitlines() if line.startswith("#"))


@pytest.mark.parametrize("name", SECTIONS)
def test_a_section_has_a_heading(name: str) -> None:
    assert f"`{name}`" in headings("index.md")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_has_a_heading_and_an_example(name: str) -> None:
    assert f"`{name}`" in headings("functions.md")
    assert f"{name}:" in (PAGES / "functions.md").read_text("utf-8")


@pytest.mark.parametrize("name", RULES)
def test_a_constraint_is_listed(name: str) -> None:
    assert re.search(rf"`{name}: ", (PAGES / "constraints.md").read_text("utf-8"))


@pytest.mark.parametrize("name", sorted(PRIMITIVE_TYPES))
def test_a_type_of_values_is_listed(name: str) -> None:
    assert f"`{name}`" in (PAGES / "index.md").read_text("utf-8").partition("## Types of values")[2]


@pytest.mark.parametrize("text", EXAMPLES)
def test_an_example_is_one_that_the_parser_takes(text: str, tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "create.sh").write_text("#!/bin/sh\n")
    (tmp_path / "plugins" / "shop").mkdir(parents=True)
    (tmp_path / "plugins" / "shop" / "shop.py").write_text("def migrate(**_): ...\n")
    (tmp_path / "blueprint.yaml").write_text(text if "tosca_definitions" in text else HEAD + text)
    plan = dsl.parse_blueprint(tmp_path / "blueprint.yaml")
    assert plan is not None
