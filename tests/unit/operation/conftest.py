from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from supervised import Operations


@pytest.fixture
def blueprint(tmp_path: Path) -> Path:
    folder = tmp_path / "blueprint"
    folder.mkdir()
    return folder


@pytest.fixture(autouse=True)
def _temporary_files_stay_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("CFY_EXEC_TEMP", str(folder))


@pytest.fixture
def operations(blueprint: Path) -> Iterator[Operations]:
    started = Operations(blueprint)
    yield started
    started.close()
