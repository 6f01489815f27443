"""Components that bring plugins and blueprints from addresses; other managers are refused."""

from __future__ import annotations

import functools
import http.server
import io
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from manager_process import ManagerProcess
from test_uploaded_plugins import BLUEPRINT, YAML, wagon

TOP = """\
tosca_definitions_version: cloudify_dsl_1_4
imports: [cloudify/types/types.yaml]
node_templates:
  part:
    type: cloudify.nodes.Component
    properties:
      client: {client}
      plugins: {{wagoner: {{wagon_path: {at}/wagoner-2.1.wgn, plugin_yaml_path: {at}/plugin.yaml}}}}
      resource_config:
        blueprint: {{id: {part}, blueprint_archive: {at}/{archive}, main_file_name: blueprint.yaml}}
        deployment: {{id: {part}}}
"""


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Of a server of what the components bring."""
    (tmp_path / "served").mkdir()
    wagon(tmp_path / "served" / "wagoner-2.1.wgn")
    (tmp_path / "served" / "plugin.yaml").write_text(YAML.format(name="wagoner", version="2.1"))
    pack(tmp_path / "served" / "part.tar.gz", BLUEPRINT.format(wanted="wagoner"))
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path / "served"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def pack(path: Path, text: str) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        info = tarfile.TarInfo("b/blueprint.yaml")
        info.size = len(text)
        tar.addfile(info, io.BytesIO(text.encode()))
    return path


def deploy(manager: ManagerProcess, folder: Path, id: str, **more: str) -> str:
    given = {"part": f"part-of-{id}", "archive": "part.tar.gz", "client": "{}", **more}
    path = pack(folder / f"{id}.tar.gz", TOP.format(**given))
    with path.open("rb") as archive:
        manager.client.blueprints.upload(id, archive, main_file="blueprint.yaml")
    manager.client.deployments.create(id, blueprint_id=id)
    return given["part"]


def run(manager: ManagerProcess, workflow: str, id: str, status: str = "terminated") -> str:
    ended = manager.end(manager.run(workflow, id))
    assert ended["status"] == status, f"{ended['error']}\n{manager.story(ended['id'])}"
    return str(ended["error"])


def test_plugins_and_blueprints_come_from_addresses_and_go(
    manager: ManagerProcess, tmp_path: Path, address: str
) -> None:
    client = manager.client
    part = deploy(manager, tmp_path, "first", at=address)
    run(manager, "install", "first")
    assert client.deployments.outputs(part) == {"said": "from a wagon"}
    # A second one finds the plugin there, and leaves it.
    other = deploy(manager, tmp_path, "second", at=address)
    run(manager, "install", "second")
    run(manager, "uninstall", "second")
    assert [row["package_name"] for row in client.plugins.list().items] == ["wagoner"]
    assert other not in {row["id"] for row in client.blueprints.list().items}
    run(manager, "uninstall", "first")
    assert client.plugins.list().items == []
    assert part not in {row["id"] for row in client.blueprints.list().items}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"archive": "nothing.tar.gz"}, "/nothing.tar.gz` could not be downloaded: 404"),
        ({"client": "{host: elsewhere.example}"}, "names manager `elsewhere.example`"),
        ({"client": "{tenant: another}"}, "names tenant `another`"),
    ],
)
def test_what_cannot_be_brought_is_said_once(
    manager: ManagerProcess, tmp_path: Path, address: str, more: dict[str, str], said: str
) -> None:
    id = f"refused-{len(manager.client.deployments.list().items)}"
    part = deploy(manager, tmp_path, id, at=address, **more)
    assert said in run(manager, "install", id, "failed")
    assert manager.story(manager.client.executions.list(deployment_id=id).items[0]["id"])
    run(manager, "uninstall", id, "terminated" if "archive" in more else "failed")
    assert part not in {row["id"] for row in manager.client.deployments.list().items}
