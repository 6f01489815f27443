"""A plugin's environment is built from a copy: what a build writes stays out of the stored blueprint."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from cloudwright.manager.plugin_environments import PluginEnvironments
from cloudwright.manager.plugin_selection import PluginCode

PLUGIN = {"name": "shop", "source": "shop"}
#: Builds a wheel without any other package, and writes beside what it builds, as setuptools does.
BACKEND = """\
import os, zipfile

def build_wheel(folder, config_settings=None, metadata_directory=None):
    os.makedirs("build/lib")
    open("build/lib/shop.py", "w").close()
    name = "shop-1.0-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        wheel.write("shop.py")
        info = "shop-1.0.dist-info/"
        wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: shop\\nVersion: 1.0\\n")
        wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(info + "RECORD", "")
    return name
"""
PROJECT = """\
[project]
name = "shop"
version = "1.0"
dependencies = ["a-dependency"]
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""


def test_the_same_content_is_installed_once(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    folder = tmp_path / "blueprint" / "plugins" / "shop"
    folder.mkdir(parents=True)
    files = {"pyproject.toml": PROJECT, "backend.py": BACKEND, "shop.py": "def act(**_): pass\n"}
    for name, text in files.items():
        (folder / name).write_text(text)
    installed: list[str | None] = []

    def prepare() -> PluginCode:
        # As after a restart of the manager: nothing is remembered.
        environments = PluginEnvironments(tmp_path / "home")
        blueprint, found = tmp_path / "blueprint", dict[str, PluginCode]()
        work = environments.prepare(PLUGIN, blueprint, found, lambda code: installed.append(code.key))
        return asyncio.run(work)

    first, second = prepare(), prepare()
    assert first.key == second.key
    assert installed == [first.key]
    assert sorted(path.name for path in folder.iterdir()) == sorted(files)
    [environment] = (tmp_path / "home" / "plugins").iterdir()
    assert list(environment.glob("*/lib/python*/site-packages/shop.py"))
