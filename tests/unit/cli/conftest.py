from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cfy_command import Run
from click.testing import CliRunner, Result
from fake_api import TOKEN, FakeApi
from terminal import Terminal


@pytest.fixture
def api() -> Iterator[FakeApi]:
    fake = FakeApi()
    yield fake
    fake.close()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own, and nothing of the machine's environment that names a manager."""
    for name in list(os.environ):
        if name.startswith("CLOUDWRIGHT_"):
            monkeypatch.delenv(name)
    path = tmp_path / "home"
    monkeypatch.setenv("CLOUDWRIGHT_HOME", str(path))
    # The columns are easier to read than the tables that a pipe gets otherwise.
    monkeypatch.setenv("CLOUDWRIGHT_FORMAT", "plain")
    return path


@pytest.fixture
def bare(home: Path) -> Run:
    """Runs `cfy` in this process, with no manager chosen."""
    from cloudwright.cli.main import cfy

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(cfy, list(arguments), catch_exceptions=False)

    return run


@pytest.fixture
def cfy(api: FakeApi, bare: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `cfy` in this process against the fake manager."""
    monkeypatch.setenv("CLOUDWRIGHT_URL", api.url)
    monkeypatch.setenv("CLOUDWRIGHT_TOKEN", TOKEN)
    return bare


@pytest.fixture
def terminal(api: FakeApi, home: Path) -> Iterator[Callable[..., Terminal]]:
    opened = []

    def open_terminal(*arguments: str, **environ: str) -> Terminal:
        opened.append(Terminal(*arguments, CLOUDWRIGHT_URL=api.url, CLOUDWRIGHT_TOKEN=TOKEN, **environ))
        return opened[-1]

    yield open_terminal
    for one in opened:
        one.close()
