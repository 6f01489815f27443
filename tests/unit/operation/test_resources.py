"""Resources: found inside the blueprint and nowhere else; templates, and what is wrong with them."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import pytest

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
