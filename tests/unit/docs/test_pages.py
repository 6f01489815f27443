"""What the pages point at is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_page_is_in_a_folder_of_the_site() -> None:
    folders = {"tutorial", "how-to", "concepts", "reference", "contributing"}
    pages = [path.relative_to(ROOT / "docs") for path in (ROOT / "docs").rglob("*.md")]
    assert [str(page) for page in pages if page.parts[0] not in folders | {"index.md"}] == []


def test_every_module_that_the_architecture_names_is_there() -> None:
    named = set(re.findall(r"\w+\.py\b", (ROOT / "docs" / "concepts" / "architecture.md").read_text("utf-8")))
    there = {path.name for folder in ("src", "benchmarks") for path in (ROOT / folder).rglob("*.py")}
    assert len(named) > 10
    assert named <= there


def test_every_page_that_the_code_names_is_there() -> None:
    pages = {
        (path.name, name)
        for path in (ROOT / "src").rglob("*.py")
        for name in re.findall(r"docs/[\w/-]+\.md", path.read_text("utf-8"))
    }
    assert pages
    assert {(path, name) for path, name in pages if not (ROOT / name).exists()} == set()
