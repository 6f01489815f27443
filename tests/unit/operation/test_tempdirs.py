"""Temporary folders: where they are, and that they vanish whatever is in them."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

import cloudwright
from cloudwright.child.errors import NonRecoverableError
from cloudwright.operation.tempdirs import executable_tempdir, new_folder, private_folder, remove_folder

SOURCE = str(Path(cloudwright.__file__).parents[1])
WHERE = """
import sys
sys.path.insert(0, sys.argv[1])
from cloudwright.operation import tempdirs
print(tempdirs.executable_tempdir(), "tempfile" in sys.modules)
import tempfile
print(tempfile.gettempdir())
"""


def usual(cwd: Path, **env: str) -> list[str]:
    command = [sys.executable, "-I", "-S", "-c", WHERE, SOURCE]
    done = subprocess.run(command, capture_output=True, text=True, env=env, cwd=cwd, check=True, timeout=60)
    return done.stdout.split()


@pytest.mark.parametrize("variable", [None, "TMPDIR", "TEMP", "TMP"])
@pytest.mark.parametrize("chosen", ["there", "relative", "missing", "file", ""])
def test_the_usual_place_is_the_one_of_tempfile(tmp_path: Path, variable: str | None, chosen: str) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "file").touch()
    value = "there" if chosen == "relative" else str(tmp_path / chosen) if chosen else ""
    found, loaded, theirs = usual(tmp_path, **({variable: value} if variable else {}))
    assert found == theirs
    if variable is None or chosen in ("there", "relative", ""):
        assert loaded == "False"


def test_who_tells_tempfile_another_place_is_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CFY_EXEC_TEMP")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert executable_tempdir() == str(tmp_path)


def test_new_folders_are_empty_and_ones_own() -> None:
    made = {new_folder() for _ in range(20)}
    assert len(made) == 20
    for folder in made:
        assert os.listdir(folder) == []
        assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
        assert os.path.basename(folder).startswith("cloudwright-")


def test_a_folder_vanishes_and_what_its_links_lead_to_stays(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").touch()
    with private_folder() as folder:
        place = Path(folder)
        (place / "deep" / "deeper").mkdir(parents=True)
        (place / "deep" / "deeper" / "file").touch()
        (place / "deep" / "link").symlink_to(outside)
        (place / "broken").symlink_to("nowhere")
        (place / "link to a file").symlink_to(outside / "kept")
        os.mkfifo(place / "pipe")
        (place / "read only").mkdir(mode=0o500)
    assert not place.exists()
    assert (outside / "kept").exists()


def test_what_cannot_be_removed_is_no_error(tmp_path: Path) -> None:
    remove_folder(str(tmp_path / "missing"))
    (tmp_path / "file").touch()
    remove_folder(str(tmp_path / "file"))
    assert (tmp_path / "file").exists()


def make_open_to_all(path: Path) -> None:
    path.mkdir()
    path.chmod(0o777)


@pytest.mark.parametrize(
    "take",
    [
        make_open_to_all,
        lambda path: path.symlink_to(path.parent),
        lambda path: path.touch(),
    ],
    ids=["open to all", "a link", "a file"],
)
def test_a_name_that_somebody_else_has_taken_is_left_to_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, take: Callable[[Path], None]
) -> None:
    monkeypatch.setenv("CFY_EXEC_TEMP", str(tmp_path))
    names = [
        f"cloudwright-{os.getuid()}",
        *(f"cloudwright-{os.getuid()}-{number}" for number in range(1, 10)),
    ]
    take(tmp_path / names[0])
    with private_folder() as folder:
        assert Path(folder).parent == tmp_path / names[1]
    for name in names[2:]:
        take(tmp_path / name)
    os.rmdir(tmp_path / names[1])
    take(tmp_path / names[1])
    with pytest.raises(NonRecoverableError, match="set CFY_EXEC_TEMP"), private_folder():
        pass
