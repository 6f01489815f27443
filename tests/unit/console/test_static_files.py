"""The files of the pages: what others made is as they published it, all is small, and nothing is inline."""

from __future__ import annotations

import gzip
import hashlib
import re
from pathlib import Path

import cloudwright.console
from cloudwright.console import static_files

ROOM = Path(cloudwright.console.__file__).parent
TEMPLATES = sorted((ROOM / "templates").glob("*.html"))


def test_what_others_made_has_its_name_version_licence_and_digest() -> None:
    found = {
        str(path.relative_to(static_files.FOLDER))
        for path in static_files.FOLDER.joinpath("vendor").iterdir()
    }
    assert found == set(static_files.VENDORED)
    for name, vendored in static_files.VENDORED.items():
        content = (static_files.FOLDER / name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == vendored.digest, name
        assert vendored.package
        assert re.fullmatch(r"\d+\.\d+\.\d+", vendored.version)
        assert vendored.licence in {"0BSD", "MIT", "ISC", "BSD-3-Clause"}


def test_all_of_it_is_under_a_hundred_kilobytes_compressed() -> None:
    sizes = {
        name: len(gzip.compress((static_files.FOLDER / name).read_bytes())) for name in static_files.NAMES
    }
    assert sum(sizes.values()) < 100_000, sizes


def test_no_template_has_what_the_policy_forbids_or_an_address_of_its_own() -> None:
    assert TEMPLATES
    for template in TEMPLATES:
        text = template.read_text()
        assert not re.search(r"\sstyle\s*=", text), template.name
        assert not re.search(r"\son[a-z]+\s*=", text), template.name
        assert not re.search(r"<script(?![^>]*\ssrc=)", text), template.name
        assert not re.search(r"""(?:href|src|action|hx-get|hx-post)=["'](?:/|https?:)""", text), template.name
        assert "|safe" not in text, template.name


def test_the_scripts_and_styles_ask_no_other_host() -> None:
    for name in ("console.js", "changes-worker.js", "console.css"):
        text = (static_files.FOLDER / name).read_text()
        assert not re.search(r"https?://|//[a-z]+\.[a-z]+/", text), name
        assert "eval(" not in text
