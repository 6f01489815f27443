"""The parts of the documentation site that are made while it is built."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[3]
HOOKS = runpy.run_path(str(ROOT / "scripts" / "docs_hooks.py"))


def test_the_routes_are_made_from_the_openapi_document() -> None:
    page = HOOKS["routes"]()
    assert "### `POST /api/v3.1/executions/{id}`" in page
    assert page.count("### `") > 50


def test_the_built_in_types_are_made_from_their_file() -> None:
    page = HOOKS["types_page"]()
    assert "### `cloudify.nodes.Compute`\n\nDerived from `cloudify.nodes.Root`." in page
    assert "Operations of `cloudify.interfaces.lifecycle`: `precreate`, `create`" in page
    assert "### `heal`" in page


def test_every_decision_is_listed() -> None:
    listed = HOOKS["decisions"]().splitlines()
    assert len(listed) == len(list((ROOT / "docs/contributing/decisions").glob("0*.md")))


def test_every_page_is_in_the_navigation() -> None:
    # The names of functions in the configuration are of no interest here.
    text = (ROOT / "mkdocs.yml").read_text("utf-8").replace("!!python/name:", "")
    named = set(_pages(yaml.safe_load(text)["nav"]))
    pages = {str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").rglob("*.md")}
    assert {page for page in pages - named if not page.startswith("contributing/decisions/0")} == set()
    assert named <= pages


def _pages(item: Any) -> list[str]:
    """The pages of a part of the navigation."""
    if isinstance(item, str):
        return [item]
    parts = item.values() if isinstance(item, dict) else item
    return [page for part in parts for page in _pages(part)]
