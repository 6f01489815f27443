"""A plugin as people have it becomes the archive that a manager takes."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from cloudwright.cli.failure import Failure
from cloudwright.cli.plugin_source import open_plugin


def packed(path: Path, *descriptions: Path) -> list[str]:
    with open_plugin(path, descriptions) as archive, zipfile.ZipFile(archive) as opened:
        return sorted(opened.namelist())


@pytest.fixture
def wagon(tmp_path: Path) -> Path:
    path = tmp_path / "box.wgn"
    path.write_bytes(b"wagon")
    return path


@pytest.fixture
def description(tmp_path: Path) -> Path:
    path = tmp_path / "anything.yaml"
    path.write_text("plugins: {}\n")
    return path


def test_a_wagon_and_its_description(wagon: Path, description: Path) -> None:
    assert packed(wagon, description) == ["box.wgn", "plugin.yaml"]


def test_several_descriptions_keep_their_names(wagon: Path, tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("plugin.yaml", "plugin_1_4.yaml")]
    for file in files:
        file.touch()
    assert packed(wagon, *files) == ["box.wgn", "plugin.yaml", "plugin_1_4.yaml"]


def test_a_project(tmp_path: Path, description: Path) -> None:
    project = tmp_path / "project"
    (project / "box" / "__pycache__").mkdir(parents=True)
    for name in ("plugin.yaml", "box/__init__.py", "box/__pycache__/x.pyc", "setup.py"):
        (project / name).touch()
    assert packed(project) == ["box/__init__.py", "plugin.yaml", "setup.py"]
    with open_plugin(project, [description]) as archive, zipfile.ZipFile(archive) as opened:
        assert opened.read("plugin.yaml") == b"plugins: {}\n"


def test_an_archive_is_sent_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "box.zip"
    path.write_bytes(b"whatever")
    with open_plugin(path, ()) as archive:
        assert archive.read() == b"whatever"


@pytest.mark.parametrize(
    ("name", "descriptions", "says"),
    [
        ("box.wgn", [], "comes without a `plugin.yaml`"),
        ("project", [], "comes without a `plugin.yaml`"),
        ("gone.wgn", [], "no file or folder"),
        ("box.wgn", ["gone.yaml"], "no file `.*gone.yaml`"),
        ("box.zip", ["anything.yaml"], "`-y` cannot be added to it"),
    ],
)
def test_what_is_no_plugin(
    name: str, descriptions: Sequence[str], says: str, wagon: Path, description: Path, tmp_path: Path
) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "box.zip").touch()
    with pytest.raises(Failure, match=says):
        packed(tmp_path / name, *(tmp_path / file for file in descriptions))
