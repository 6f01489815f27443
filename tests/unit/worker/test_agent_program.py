"""The agent's program as one file, on a host that has nothing but Python."""

from __future__ import annotations

import ast
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from cloudwright.agent_program import build
from cloudwright.worker import one_file

#: Imports all that is in the program, without this environment's libraries.
IMPORT_ALL = """
import importlib, pkgutil, sys
sys.path.insert(0, sys.argv[1])
import cloudwright
assert cloudwright.__file__.startswith(sys.argv[1])
for module in pkgutil.walk_packages(cloudwright.__path__, "cloudwright."):
    if not module.name.endswith(("__main__", "one_file")):
        importlib.import_module(module.name)
for name in ("jinja2", "requests", "yaml"):
    assert importlib.import_module(name).__file__.startswith(sys.argv[1])
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("program") / "agent.pyz"
    file.write_bytes(build())
    return file


def run(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-S", *map(str, words)], capture_output=True, text=True, timeout=100
    )


def test_all_of_it_can_be_imported_without_anything_else(program: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(program) as packed:
        packed.extractall(tmp_path)
    ran = run("-I", "-c", IMPORT_ALL, tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert not [*tmp_path.rglob("*.so")]


def test_it_unpacks_itself_once_and_removes_other_versions(program: Path, tmp_path: Path) -> None:
    (tmp_path / "home" / "program" / "older").mkdir(parents=True)
    for _ in range(2):
        ran = run(program, "--home", tmp_path / "home", "--manager", "http://127.0.0.1:1")
        assert "CLOUDWRIGHT_AGENT_TOKEN" in ran.stderr
    [folder] = (tmp_path / "home" / "program").iterdir()
    assert (folder / "cloudwright" / "worker" / "agent.py").is_file()


def test_an_older_python_can_read_what_says_that_it_is_too_old() -> None:
    ast.parse(Path(one_file.__file__).read_text("utf-8"), feature_version=(3, 7))
