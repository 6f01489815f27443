"""Plugins from their upload to the operation that runs their code."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from manager_process import ManagerProcess

CFY = [sys.executable, "-c", "from cloudwright.cli.main import main; main()"]
WAIT_SECONDS = 120
YAML = """
plugins:
  greeter: {{executor: central_deployment_agent, package_name: {name}, package_version: "{version}"}}
node_types:
  greeter.Host:
    derived_from: cloudify.nodes.Root
    interfaces: {{cloudify.interfaces.lifecycle: {{create: greeter.greeting.tasks.greet}}}}
workflows:
  wave: greeter.greeting.tasks.wave
"""
BLUEPRINT = """
tosca_definitions_version: cloudify_dsl_1_3
imports: [cloudify/types/types.yaml, "plugin:{wanted}"]
node_templates: {{host: {{type: greeter.Host}}}}
outputs: {{said: {{value: {{get_attribute: [host, said]}}}}}}
"""
TASKS = """
import sys

from cloudify import ctx
from cloudify.decorators import workflow
{more}

def greet(**_):
    ctx.instance.runtime_properties["said"] = {said}
    ctx.instance.runtime_properties["prefix"] = sys.prefix


@workflow
def wave(ctx, **_):
    ctx.logger.info("waving from " + sys.prefix)
"""


def cfy(manager: ManagerProcess, *words: object) -> str:
    environ = {key: value for key, value in os.environ.items() if not key.startswith("CLOUDWRIGHT_")}
    ran = subprocess.run(
        [*CFY, *map(str, words)],
        env=environ | {"CLOUDWRIGHT_HOME": str(manager.home)},
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def wheel(name: str, version: str, files: dict[str, str], requires: Sequence[str] = ()) -> tuple[str, bytes]:
    """The name and the content of a wheel of pure Python."""
    info = f"{name}-{version}.dist-info"
    required = "".join(f"Requires-Dist: {one}\n" for one in requires)
    files = files | {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{required}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = []
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path, content in files.items():
            archive.writestr(path, content)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content.encode()).digest()).rstrip(b"=").decode()
            record.append(f"{path},sha256={digest},{len(content.encode())}")
        archive.writestr(f"{info}/RECORD", "\n".join([*record, f"{info}/RECORD,,"]) + "\n")
    return f"{name}-{version}-py3-none-any.whl", packed.getvalue()


def wagon(path: Path) -> None:
    """A wagon of a plugin and of what it needs."""
    plugin = wheel(
        "wagoner",
        "2.1",
        {
            "greeting/__init__.py": "",
            "greeting/tasks.py": TASKS.format(more="import needed", said="needed.WORD"),
        },
    )
    facts = {"package_name": "wagoner", "package_version": "2.1"}
    files = {"package.json": json.dumps(facts).encode()}
    for name, content in (plugin, wheel("needed", "1.0", {"needed.py": "WORD = 'from a wagon'\n"})):
        files[f"wheels/{name}"] = content
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(f"wagoner/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


def installed(manager: ManagerProcess, folder: Path, id: str, wanted: str) -> dict[str, Any]:
    """Install a blueprint that imports the plugin, and return its instance's runtime properties."""
    app = folder / id
    app.mkdir()
    (app / "blueprint.yaml").write_text(BLUEPRINT.format(wanted=wanted))
    assert "has ended well" in cfy(manager, "install", app / "blueprint.yaml")
    [instance] = manager.client.node_instances.list(deployment_id=id).items
    assert manager.client.deployments.outputs(id)["said"] == instance["runtime_properties"]["said"]
    return instance["runtime_properties"]


def test_a_wagon_runs_in_an_environment_of_its_own(manager: ManagerProcess, tmp_path: Path) -> None:
    wagon(tmp_path / "wagoner-2.1.wgn")
    (tmp_path / "described.yaml").write_text(YAML.format(name="wagoner", version="2.1"))
    told = cfy(manager, "plugins", "upload", tmp_path / "wagoner-2.1.wgn", "-y", tmp_path / "described.yaml")
    assert "Blueprints import it as `plugin:wagoner?version=2.1`" in told
    found = installed(manager, tmp_path, "wagon-app", "wagoner?version=>=2,<3")
    assert found["said"] == "from a wagon"
    assert Path(found["prefix"]).is_relative_to(manager.home)
    id = manager.run("wave", "wagon-app")
    assert manager.end(id)["status"] == "terminated", manager.story(id)
    assert f"waving from {found['prefix']}" in manager.story(id)


def test_a_project_and_its_versions(manager: ManagerProcess, tmp_path: Path) -> None:
    for version in ("1.0", "1.5", "2.0"):
        project = tmp_path / version
        (project / "greeting").mkdir(parents=True)
        (project / "greeting" / "__init__.py").touch()
        (project / "greeting" / "tasks.py").write_text(TASKS.format(more="", said=repr(f"as {version}")))
        (project / "plugin.yaml").write_text(YAML.format(name="walker", version=version))
        cfy(manager, "plugins", "upload", project)
    assert installed(manager, tmp_path, "old-app", "walker?version=<2")["said"] == "as 1.5"
    assert installed(manager, tmp_path, "new-app", "walker")["said"] == "as 2.0"
    rows = json.loads(cfy(manager, "plugins", "list", "--search", "walker", "--json"))
    ids = {row["package_version"]: row["id"] for row in rows}
    assert sorted(ids) == ["1.0", "1.5", "2.0"]
    cfy(manager, "plugins", "delete", ids["1.0"])
    with pytest.raises(AssertionError, match="used by the deployments `old-app`"):
        cfy(manager, "plugins", "delete", ids["1.5"])
    cfy(manager, "plugins", "download", ids["1.5"], "-o", tmp_path / "again.zip")
    cfy(manager, "plugins", "delete", ids["1.5"], "--force")
    cfy(manager, "plugins", "upload", tmp_path / "again.zip")
