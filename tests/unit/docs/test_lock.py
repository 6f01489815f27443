"""The lock of the development environment: names, versions and hashes, nothing else."""

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[3]
LOCK = ROOT / "requirements" / "development.lock"
PINNED = re.compile(r"[a-z0-9.-]+==[^ =]+( ; [^\\]+)?( \\)?")
HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}( \\)?")


def test_it_holds_names_versions_and_hashes_only() -> None:
    lines = LOCK.read_text().splitlines()
    assert [line for line in lines if not PINNED.fullmatch(line) and not HASH.fullmatch(line)] == []


def test_it_holds_a_version_of_each_dependency_in_its_range() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    locked: dict[str, list[str]] = {}
    for line in LOCK.read_text().splitlines():
        if "==" in line:
            name, _, rest = line.partition("==")
            locked.setdefault(name, []).append(rest.split()[0])
    for text in project["dependencies"] + project["optional-dependencies"]["dev"]:
        wanted = Requirement(text)
        versions = locked.get(canonicalize_name(wanted.name), [])
        assert versions, text
        assert all(version in wanted.specifier for version in versions), text
