"""Plugins that need an environment, on the agent of a host: made there, offline, and stopped."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from agent_site import Site, running_site
from manager_process import WAIT_SECONDS
from test_uploaded_plugins import wheel

BLUEPRINT = """\
tosca_definitions_version: cloudify_dsl_1_4
imports: [cloudify/types/types.yaml, "plugin:tool?version={version}"]
node_types:
  app: {{derived_from: cloudify.nodes.Root, interfaces: {{do: {{use: tool.tool.use}}}}}}
node_templates:
  host:
    type: cloudify.nodes.Compute
    properties: {{agent_config: {{install_method: provided}}}}
  app:
    type: app
    relationships: [{{type: cloudify.relationships.contained_in, target: host}}]
"""
YAML = 'plugins: {{tool: {{executor: host_agent, package_name: tool, package_version: "{version}"}}}}\n'
CODE = """
import sys
import needed

def use(ctx, **_):
    ctx.instance.runtime_properties["prefix"] = sys.prefix
    return "tool {version} " + needed.WORD
"""


def upload_wagon(site: Site, version: str) -> None:
    """Upload a wagon: with all that it needs."""
    facts = json.dumps({"package_name": "tool", "package_version": version}).encode()
    files = {"tool/package.json": facts}
    own = wheel("tool", version, {"tool.py": CODE.format(version=version)})
    for name, content in (own, wheel("needed", "1.0", {"needed.py": "WORD = 'of a wagon'"})):
        files[f"tool/wheels/{name}"] = content
    wagon = io.BytesIO()
    with tarfile.open(fileobj=wagon, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    upload(site, version, f"tool-{version}.wgn", wagon.getvalue())


def upload(site: Site, version: str, name: str, code: bytes) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("plugin.yaml", YAML.format(version=version))
        packed.writestr(name, code)
    archive.seek(0)
    site.manager.client.plugins.upload(archive)


def deploy(site: Site, id: str, version: str) -> None:
    """Make a deployment whose host has the site's agent for its own from here on."""
    blueprint = BLUEPRINT.format(version=version).encode()
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        entry = tarfile.TarInfo("app/blueprint.yaml")
        entry.size = len(blueprint)
        tar.addfile(entry, io.BytesIO(blueprint))
    archive.seek(0)
    client = site.manager.client
    client.blueprints.upload(id, archive, main_file="blueprint.yaml")
    client.deployments.create(id, blueprint_id=id)
    [host] = client.node_instances.list(deployment_id=id, node_id="host").items
    site.agent.stop()
    site.agent.name = host["id"]
    site.agent.token = client.agents.enroll(host["id"])["token"]
    site.agent.start()


def use(site: Site, deployment: str) -> str:
    return site.manager.run("execute_operation", deployment, operation="do.use", node_ids=["app"])


def result(site: Site, id: str) -> Any:
    assert site.manager.end(id)["status"] == "terminated", site.manager.story(id)
    return site.operation(id)["result"]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the manager finds what plugins require, in place of a package index."""
    folder = tmp_path_factory.mktemp("found")
    name, content = wheel("needed", "2.0", {"needed.py": "WORD = 'of the manager'"})
    (folder / name).write_bytes(content)
    return folder


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, found: Path) -> Iterator[Site]:
    environment = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(found)}
    with running_site(tmp_path_factory.mktemp("plugins"), environment=environment) as running:
        yield running.ready()


def test_two_versions_are_installed_side_by_side_on_the_host(site: Site) -> None:
    upload_wagon(site, "1.0")
    deploy(site, "first", "1.0")
    id = use(site, "first")
    assert result(site, id) == "tool 1.0 of a wagon"
    story = site.manager.story(id)
    assert f"Installing plugin `tool` on agent `{site.agent.name}` ..." in story
    assert "plugin_installed: Installed plugin `tool` on agent" in story
    [app] = site.manager.client.node_instances.list(deployment_id="first", node_id="app").items
    assert app["runtime_properties"]["prefix"].startswith(str(site.agent.home / "environments"))

    name, content = wheel("tool", "2.0", {"tool.py": CODE.format(version="2.0")}, requires=["needed"])
    upload(site, "2.0", name, content)
    deploy(site, "second", "2.0")
    id = use(site, "second")
    assert result(site, id) == "tool 2.0 of the manager"
    assert "Making wheels of plugin `tool`" in site.manager.story(id)
    id = use(site, "second")
    assert result(site, id) == "tool 2.0 of the manager"
    assert "nstalling" not in site.manager.story(id)
    assert "wheels" not in site.manager.story(id)
    assert len([*(site.agent.home / "environments").glob("*.size")]) == 2


@pytest.mark.parametrize("how", ["cancel", "kill"])
def test_an_execution_whose_plugin_is_installed_on_a_host_is_stopped_at_once(site: Site, how: str) -> None:
    version = {"cancel": "3.1", "kill": "3.2"}[how]
    upload_wagon(site, version)
    deploy(site, how, version)
    site.proxy.hold("wheels")
    id = use(site, how)
    site.manager.event(id, "plugin_installing")
    assert site.proxy.held.wait(WAIT_SECONDS)
    site.manager.cancel(id, how)
    end = site.manager.end(id)
    assert (end["status"], end["residual_operations"]) == ("cancelled", 0)
    assert "The installation of plugin `tool` on agent" in site.manager.story(id)
    assert site.operation(id)["state"] == "cancelled"
    assert not [*(site.agent.home / "environments").glob(f"*{version}*")]
    site.proxy.mend()
    site.proxy.cut()
    site.proxy.mend()
    assert result(site, use(site, how)) == f"tool {version} of a wagon"


def test_a_download_that_is_cut_goes_on(site: Site) -> None:
    upload_wagon(site, "4.0")
    deploy(site, "cut", "4.0")
    site.proxy.hold("wheels")
    id = use(site, "cut")
    assert site.proxy.held.wait(WAIT_SECONDS)
    site.proxy.cut()
    site.proxy.mend()
    assert result(site, id) == "tool 4.0 of a wagon"
