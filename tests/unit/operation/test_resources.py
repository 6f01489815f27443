"""Resources: found inside the blueprint and nowhere else; templates, and what is wrong with them."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import pytest
from supervised import Operations

from cloudwright.child.errors import (
    HttpException,
    NonRecoverableError,
    RecoverableError,
    RequestRefused,
)
from cloudwright.operation.resources import Resources, render


class Refusing:
    """A supervisor that has nothing."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def call(self, method: str, path: str) -> Any:
        assert method == "read_resource"
        self.asked.append(path)
        raise RequestRefused(f"The blueprint has no file `{path}`.", status_code=404)


@pytest.fixture
def resources(blueprint: Path) -> Resources:
    (blueprint / "a").mkdir()
    (blueprint / "a/file.txt").write_text("inside")
    (blueprint.parent / "secret.txt").write_text("outside")
    (blueprint / "link.txt").symlink_to(blueprint.parent / "secret.txt")
    (blueprint / "inner.txt").symlink_to(blueprint / "a/file.txt")
    return Resources(str(blueprint), Refusing())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "path", ["a/file.txt", "a/../a/file.txt", "./a/file.txt", "inner.txt", "space--a/file.txt"]
)
def test_files_of_the_blueprint_are_found(resources: Resources, path: str) -> None:
    assert resources.read(path) == b"inside"


@pytest.mark.parametrize(
    "path", ["../secret.txt", "a/../../secret.txt", "/etc/passwd", "link.txt", "x--../secret.txt"]
)
def test_nothing_else_is_read(resources: Resources, path: str) -> None:
    with pytest.raises(NonRecoverableError, match="leads out of the blueprint's folder"):
        resources.read(path)


def test_what_is_missing_is_asked_for_and_then_said(resources: Resources, blueprint: Path) -> None:
    with pytest.raises(HttpException) as caught:
        resources.read("absent.txt")
    assert caught.value.code == 404
    assert f"The blueprint has no file `absent.txt`. (looked in `{blueprint}` too)" in str(caught.value)
    with pytest.raises(NonRecoverableError, match="with an empty path"):
        resources.read("")
    with pytest.raises(HttpException, match="is a folder"):
        resources.read("a")
    with pytest.raises(HttpException, match="is a file"):
        resources.download_folder("a/file.txt")


def test_what_an_imported_blueprint_has_is_asked_for(blueprint: Path) -> None:
    (blueprint / "file.txt").write_text("its own")
    supervisor = Refusing()
    resources = Resources(str(blueprint), supervisor, ["other"])  # type: ignore[arg-type]
    with pytest.raises(HttpException):
        resources.read("other--file.txt")
    assert resources.read("space--file.txt") == b"its own"
    assert supervisor.asked == ["other--file.txt"]


def test_downloads_go_where_they_are_wanted(resources: Resources, tmp_path: Path) -> None:
    target = tmp_path / "copy.txt"
    assert resources.download("a/file.txt", str(target)) == str(target)
    assert target.read_text() == "inside"
    made = Path(resources.download("a/file.txt"))
    assert (made.name, made.read_text()) == ("file.txt", "inside")
    folder = Path(resources.download_folder("a"))
    assert [file.name for file in folder.iterdir()] == ["file.txt"]


def test_templates() -> None:
    assert render(b"{{ a }}-{% for i in b %}{{ i }}{% endfor %}", {"a": "<&>", "b": [1, 2]}, "t") == b"<&>-12"
    assert render(b"no \xff template\n", {}, "t") == b"no \xff template\n"
    assert render("höhe {{ a }}".encode(), {"a": "ü"}, "t") == "höhe ü".encode()


@pytest.mark.parametrize(
    ("content", "kind", "message"),
    [
        (b"one\n{% if %}", NonRecoverableError, "`t`, line 2: "),
        (b"{{ a.b.c }}", RecoverableError, "`t` could not be rendered: 'a' is undefined"),
        (b"\xff {{ a }}", NonRecoverableError, "`t` is a template, but not UTF-8 text"),
    ],
)
def test_templates_that_are_wrong_are_explained(content: bytes, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        render(content, {}, "t")


def test_a_plugin_without_jinja_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "jinja2":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(NonRecoverableError, match="add jinja2 to what the plugin requires"):
        render(b"{{ a }}", {"a": 1}, "t")
    assert render(b"plain", {}, "t") == b"plain"


def test_the_work_folder_of_the_deployment(operations: Operations, tmp_path: Path) -> None:
    library = operations.blueprint / "plugins" / "cloudify_common_sdk"
    library.mkdir(parents=True)
    (library / "__init__.py").touch()
    (library / "utils.py").write_text(
        "def get_deployment_dir(name=None, deployment_id=None):\n    return '/opt/manager'\n"
        "def other():\n    return 'as it is'\n"
    )
    source = """
import os
from cloudify_common_sdk import utils
from cloudify_common_sdk.utils import get_deployment_dir

def operation(ctx):
    folder = ctx.local_deployment_workdir()
    with open(os.path.join(folder, "state"), "w") as stream:
        stream.write("kept")
    with ctx.sync_deployment_workdir():
        ctx.upload_deployment_file("copies/state", os.path.join(folder, "state"))
    ctx.delete_deployment_file("state")
    own = os.path.isdir(get_deployment_dir(deployment_id="d1"))
    return [folder, get_deployment_dir("d1"), utils.get_deployment_dir("d2"), own, utils.other()]
"""
    workdir = tmp_path / "work" / "default_tenant" / "d1" / "web"
    done = operations.python(source, workdir=str(workdir)).run()
    folder = workdir.parent
    assert done.result == [str(folder), str(folder), str(folder.with_name("d2")), True, "as it is"]
    assert [file.name for file in folder.iterdir()] == ["copies"]
    assert (folder / "copies" / "state").read_text() == "kept"
    leaving = operations.python(
        "def operation(ctx):\n    ctx.delete_deployment_file('../d2/x')\n", workdir=str(workdir)
    ).run()
    assert "leads out of the deployment's folder" in leaving.failure["message"]
