"""An execution whose plugin is being installed: nothing of it has begun, and it is stopped at once."""

from __future__ import annotations

import io
import socket
import tarfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from manager_process import WAIT_SECONDS, ManagerProcess, running_manager

FILES = {
    "blueprint.yaml": """\
tosca_definitions_version: cloudify_dsl_1_4
imports: [cloudify/types/types.yaml]
plugins: {slow: {executor: central_deployment_agent, source: slow}}
node_types:
  slow.Thing: {derived_from: cloudify.nodes.Root, interfaces: {do: {act: slow.slow.act}}}
node_templates: {thing: {type: slow.Thing}}
workflows: {work: slow.slow.work}
""",
    "plugins/slow/setup.py": """\
import setuptools
setuptools.setup(name="slow", install_requires=["missing"])
""",
    "plugins/slow/slow.py": "def act(**_):\n    raise AssertionError('it began')\n\nwork = act\n",
}


class SilentIndex:
    """A package index that never answers."""

    def __init__(self, server: socket.socket) -> None:
        self._server = server
        self._held: list[socket.socket] = []
        self.url = f"http://127.0.0.1:{server.getsockname()[1]}/simple"

    def installers(self, manager: ManagerProcess) -> list[psutil.Process]:
        """Wait for an installation that asks; return all processes of installations into this home."""
        self._held.append(self._server.accept()[0])
        found = []
        for process in psutil.process_iter(["cmdline"]):
            if any(str(manager.home / "plugins") in word for word in process.info["cmdline"] or ()):
                found.append(process)
        return found

    def close(self) -> None:
        for connection in self._held:
            connection.close()


@pytest.fixture
def index() -> Iterator[SilentIndex]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(WAIT_SECONDS)
        index = SilentIndex(server)
        yield index
        index.close()


@pytest.fixture
def manager(tmp_path: Path, index: SilentIndex) -> Iterator[ManagerProcess]:
    with running_manager(tmp_path, environment={"PIP_INDEX_URL": index.url}) as running:
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w:gz") as tar:
            for name, text in FILES.items():
                entry = tarfile.TarInfo(f"slow/{name}")
                entry.size = len(text.encode())
                tar.addfile(entry, io.BytesIO(text.encode()))
        archive.seek(0)
        running.client.blueprints.upload("slow", archive, main_file="blueprint.yaml")
        running.client.deployments.create("slow", blueprint_id="slow", inputs={})
        yield running


def are_gone(processes: list[psutil.Process]) -> bool:
    assert processes
    return not psutil.wait_procs(processes, timeout=WAIT_SECONDS)[1]


@pytest.mark.parametrize("how", ["cancel", "force-cancel", "kill"])
def test_a_workflow_whose_plugin_is_installed_is_pending_and_cancelled_at_once(
    manager: ManagerProcess, index: SilentIndex, how: str
) -> None:
    id = manager.run("work", "slow")
    assert "`slow`" in manager.event(id, "plugin_installing")["message"]
    installing = index.installers(manager)
    assert manager.status(id) == "pending"
    assert manager.cancel(id, how)["status"] == "cancelled"
    assert are_gone(installing)
    assert "it began" not in manager.story(id)
    assert manager.event(id, "plugin_installation_stopped")


def test_an_installation_that_is_ended_leaves_no_files(
    manager: ManagerProcess, index: SilentIndex, tmp_path: Path
) -> None:
    id = manager.run("work", "slow")
    manager.event(id, "plugin_installing")
    installing = index.installers(manager)
    (folder,) = (manager.home / "plugins").glob("*/*")
    # What is unpacked or built meanwhile is there, and not among everybody's temporary files.
    assert list(folder.glob("temporary/pip-*"))
    manager.cancel(id, "kill")
    assert are_gone(installing)
    manager.stop()
    assert not folder.exists()


@pytest.mark.parametrize("how", ["cancel", "force-cancel", "kill"])
def test_an_operation_whose_plugin_is_installed_is_not_granted(
    manager: ManagerProcess, index: SilentIndex, how: str
) -> None:
    id = manager.run("execute_operation", "slow", operation="do.act")
    manager.event(id, "plugin_installing")
    installing = index.installers(manager)
    (operation,) = [entry for entry in manager.operations(id) if entry["type"] == "operation"]
    assert operation["state"] == "sent"
    manager.cancel(id, how)
    end = manager.end(id)
    assert (end["status"], end["residual_operations"]) == ("cancelled", 0)
    assert are_gone(installing)
    (operation,) = [entry for entry in manager.operations(id) if entry["type"] == "operation"]
    assert (operation["state"], operation["started_at"]) == ("cancelled", None)


def test_one_that_stops_waiting_does_not_end_the_installation_for_another(
    manager: ManagerProcess, index: SilentIndex
) -> None:
    first, second = (
        manager.client.executions.start(
            "execute_operation", "slow", parameters={"operation": "do.act"}, force=True
        )["id"]
        for _ in range(2)
    )
    manager.event(first, "plugin_installing")
    manager.event(second, "plugin_installing")
    installing = index.installers(manager)
    manager.cancel(first, "kill")
    manager.end(first)
    assert all(process.is_running() for process in installing)
    manager.cancel(second, "kill")
    manager.end(second)
    assert are_gone(installing)


def test_an_installation_ends_with_its_manager(manager: ManagerProcess, index: SilentIndex) -> None:
    id = manager.run("work", "slow")
    manager.event(id, "plugin_installing")
    installing = index.installers(manager)
    manager.kill9()
    assert are_gone(installing)
    manager.restart()
    # It is installed again for what is still pending.
    assert index.installers(manager)
    assert manager.cancel(id)["status"] == "cancelled"
