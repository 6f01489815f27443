"""Plugins with the command line of Cloudify 7.0.5."""

from __future__ import annotations

import json
import re
import tarfile
import zipfile
from pathlib import Path

import pytest
from cloudify_client_env import Cfy

YAML = (
    "plugins: {real: {executor: central_deployment_agent, package_name: real-box, package_version: '3.1'}}\n"
)


@pytest.fixture
def wagon(tmp_path: Path) -> Path:
    folder = tmp_path / "real-box"
    (folder / "wheels").mkdir(parents=True)
    (folder / "package.json").write_text(json.dumps({"package_name": "real-box", "package_version": "3.1"}))
    with zipfile.ZipFile(folder / "wheels" / "real_box-3.1-py3-none-any.whl", "w") as wheel:
        wheel.writestr("real_box.py", "")
    path = tmp_path / "real_box-3.1-py311-none-linux_x86_64.wgn"
    with tarfile.open(path, "w:gz") as tar:
        tar.add(folder, "real-box")
    return path


def test_a_wagon_comes_and_goes(cfy: Cfy, wagon: Path, tmp_path: Path) -> None:
    description = tmp_path / "plugin.yaml"
    description.write_text(YAML)
    said = cfy("plugins", "upload", wagon, "-y", description)
    found = re.search(r"Plugin's id is (\S+)", said)
    assert found, said
    id = found[1]
    [row] = [row for row in json.loads(cfy("plugins", "list", "--json")) if row["id"] == id]
    assert (row["package_name"], row["package_version"]) == ("real-box", "3.1")
    assert (row["yaml_url_path"], row["created_by"]) == ("plugin:real-box?version=3.1", "admin")
    assert "real-box" in cfy("plugins", "get", id)
    assert "is there already" in cfy("plugins", "upload", wagon, "-y", description, code=1)
    cfy("plugins", "download_yaml", id, "-o", tmp_path / "fetched.yaml")
    assert (tmp_path / "fetched.yaml").read_text() == YAML
    cfy("plugins", "download", id, "-o", tmp_path / "fetched.zip")
    assert wagon.name in zipfile.ZipFile(tmp_path / "fetched.zip").namelist()
    assert "Plugin deleted" in cfy("plugins", "delete", id)
    assert id not in cfy("plugins", "list", "--json")
    assert "There is no plugin" in cfy("plugins", "get", id, code=1)
