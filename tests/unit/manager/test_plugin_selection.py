"""Where a plugin's code is found, and when it needs an environment of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cloudwright.errors import InvalidInput, NotFound
from cloudwright.manager.plugin_selection import fingerprint, locate


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "plugins" / "shop"
    folder.mkdir(parents=True)
    return folder


def plugin(**more: Any) -> dict[str, Any]:
    return {"name": "shop", "source": "shop", "install": True} | more


def test_a_folder_that_is_a_package_is_importable_by_its_own_name(tmp_path: Path, folder: Path) -> None:
    (folder / "__init__.py").touch()
    code = locate(plugin(), tmp_path)
    assert code.path == (str(tmp_path / "plugins"),)
    assert code.project is None


def test_a_folder_that_holds_packages_is_on_the_path_and_its_src_too(tmp_path: Path, folder: Path) -> None:
    (folder / "src").mkdir()
    assert locate(plugin(), tmp_path).path == (str(folder / "src"), str(folder))


@pytest.mark.parametrize(
    ("name", "text", "installed"),
    [
        ("pyproject.toml", "[project]\nname = 'shop'\n", False),
        ("pyproject.toml", "[project]\nname = 'shop'\ndependencies = ['six']\n", True),
        ("pyproject.toml", "[project]\nname = 'shop'\ndynamic = ['dependencies']\n", True),
        ("setup.py", "from setuptools import setup\nsetup(name='shop')\n", False),
        ("setup.py", "from setuptools import setup\nsetup(name='shop', install_requires=[])\n", False),
        ("setup.py", "from setuptools import setup\nsetup(name='shop', install_requires=['six'])\n", True),
        ("setup.py", "from setuptools import setup\nN = ['six']\nsetup(install_requires=N)\n", True),
    ],
)
def test_only_a_project_with_dependencies_is_installed(
    tmp_path: Path, folder: Path, name: str, text: str, installed: bool
) -> None:
    (folder / name).write_text(text)
    assert locate(plugin(), tmp_path).project == (folder if installed else None)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pyproject.toml", "[project"),
        ("pyproject.toml", "project = 1"),
        ("pyproject.toml", "[project]\ndynamic = 1"),
        ("setup.py", "setup("),
        ("setup.py", f"x = {'-' * 100_000}1"),
    ],
)
def test_a_project_that_cannot_be_read_is_named(tmp_path: Path, folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)
    with pytest.raises(InvalidInput, match=rf"plugins/shop/{name}"):
        locate(plugin(), tmp_path)


def test_a_missing_folder_is_named_with_what_there_is(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(NotFound, match=r"no folder `plugins/shpo` .* the folders are: shop"):
        locate(plugin(source="shpo"), tmp_path)


@pytest.mark.parametrize("source", ["../elsewhere", "/etc", "shop/../../x"])
def test_a_source_outside_the_blueprint_is_refused(tmp_path: Path, folder: Path, source: str) -> None:
    with pytest.raises(InvalidInput, match="outside"):
        locate(plugin(source=source), tmp_path)


def test_a_link_that_leads_out_is_refused(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "plugins" / "link").symlink_to("/etc")
    with pytest.raises(InvalidInput, match="outside"):
        locate(plugin(source="link"), tmp_path)


def test_an_uninstalled_package_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"plugins/shop"):
        locate({"name": "shop", "package_name": "shop-plugin", "package_version": "1.0"}, tmp_path)


def test_what_is_built_in_has_no_code_of_its_own(tmp_path: Path) -> None:
    assert locate(None, tmp_path).path == ()
    assert locate({"name": "script", "install": False}, tmp_path).path == ()


def test_the_same_contents_have_the_same_fingerprint(tmp_path: Path, folder: Path) -> None:
    (folder / "a.py").write_text("1")
    first = fingerprint(folder)
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "a.pyc").write_text("x")
    assert fingerprint(folder) == first
    (folder / "a.py").write_text("2")
    assert fingerprint(folder) != first
