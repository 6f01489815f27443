"""Agents that are installed on a host over SSH, by a real server of it: and what keeps them from it."""

from __future__ import annotations

import io
import os
import signal
import socket
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from manager_process import ManagerProcess, alive, await_death, leftovers, running_manager

from ssh_host import SshHost, make_key, ssh_host

BLUEPRINT = """\
tosca_definitions_version: cloudify_dsl_1_4
imports: [cloudify/types/types.yaml]
inputs: {port: {}, user: {}, key: {}, extra: {}}
node_types:
  app:
    derived_from: cloudify.nodes.Root
    interfaces:
      cloudify.interfaces.lifecycle:
        create: script.sh
        stop: script.sh
      do: {wait: wait.sh}
node_templates:
  host:
    type: cloudify.nodes.Compute
    properties:
      ip: 127.0.0.1
      agent_config:
        install_method: remote
        port: {get_input: port}
        user: {get_input: user}
        key: {get_secret: {get_input: key}}
        extra: {get_input: extra}
  app:
    type: app
    relationships: [{type: cloudify.relationships.contained_in, target: host}]
"""
FILES = {
    "blueprint.yaml": BLUEPRINT,
    "script.sh": '#!/bin/sh\nctx instance runtime_properties where "$PWD"\n',
    "wait.sh": "#!/bin/sh\nctx instance runtime_properties pid $$\nctx instance update\nsleep 600\n",
}


class Site:
    """A manager, and a host with an SSH server."""

    def __init__(self, manager: ManagerProcess, host: SshHost, folder: Path) -> None:
        self.manager = manager
        self.host = host
        self.folder = folder

    def deploy(self, id: str, *, port: int | None = None, key: str = "key", **extra: Any) -> None:
        given = {"folder": str(self.agent_folder(id)), **extra}
        inputs = {"port": port or self.host.port, "user": self.host.user, "key": key, "extra": given}
        self.manager.client.deployments.create(id, blueprint_id="hosted", inputs=inputs)

    def agent_folder(self, id: str) -> Path:
        return self.folder / "agents" / id

    def agent(self, id: str) -> dict[str, Any]:
        [found] = self.manager.client.agents.list(deployment_id=id).items
        return dict(found)

    def fails(self, id: str) -> str:
        """Install, which must fail at the first attempt; return what the execution says."""
        execution = self.manager.run("install", id)
        assert self.manager.end(execution)["status"] == "failed"
        return self.manager.story(execution)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("ssh")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = {"kill_grace": 1, "task_retry_interval": 0.1, "agent_silence": 3, "task_retries": 0}
    settings |= {"agent_uninstall_wait": 3}
    with ssh_host(folder / "sshd", port) as host, running_manager(folder, **settings) as manager:
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w:gz") as tar:
            for name, text in FILES.items():
                entry = tarfile.TarInfo(f"hosted/{name}")
                entry.size = len(text.encode())
                entry.mode = 0o755
                tar.addfile(entry, io.BytesIO(text.encode()))
        archive.seek(0)
        manager.client.blueprints.upload("hosted", archive, main_file="blueprint.yaml")
        manager.client.secrets.create("key", host.key)
        try:
            yield Site(manager, host, folder)
        finally:
            left = leftovers(folder / "agents")
            for process in left:
                process.kill()
            assert not left, f"agents were left behind: {left}"


def test_a_host_gets_its_agent_and_loses_it(site: Site) -> None:
    site.deploy("whole", ssh={"host_key": site.host.host_key})
    id = site.manager.run("install", "whole")
    assert site.manager.end(id)["status"] == "terminated", site.manager.story(id)
    agent = site.agent("whole")
    assert (agent["connection"], agent["install_method"]) == ("connected", "remote")
    [app] = site.manager.client.node_instances.list(deployment_id="whole", node_id="app").items
    assert app["runtime_properties"]["where"].startswith(str(site.agent_folder("whole") / "home"))
    token = site.agent_folder("whole") / "token"
    assert token.stat().st_mode & 0o077 == 0

    # What runs on it is killed there, and an agent that dies is started again.
    id = site.manager.run("execute_operation", "whole", operation="do.wait", node_ids=["app"])
    pid = wait_for_pid(site, id)
    site.manager.cancel(id, "kill")
    assert site.manager.end(id)["status"] == "cancelled"
    await_death(pid)
    processes = leftovers(site.agent_folder("whole"))
    supervisor = int((site.agent_folder("whole") / "home" / "supervisor").read_text())
    [program] = psutil.Process(supervisor).children()
    os.kill(program.pid, signal.SIGKILL)
    id = site.manager.run("validate_agents", "whole")
    assert site.manager.end(id)["status"] == "terminated", site.manager.story(id)
    id = site.manager.run("install_new_agents", "whole")
    assert site.manager.end(id)["status"] == "terminated", site.manager.story(id)
    assert not alive(supervisor)

    id = site.manager.run("uninstall", "whole")
    assert site.manager.end(id)["status"] == "terminated", site.manager.story(id)
    assert "Removed agent" in site.manager.story(id)
    assert site.manager.client.agents.list(deployment_id="whole").items == []
    assert not site.agent_folder("whole").exists()
    assert not [process for process in processes if process.is_running()]


def wait_for_pid(site: Site, id: str) -> str:
    """Wait until the script `wait.sh` has said its number."""
    site.manager.event(id, "task_started")
    while True:
        [app] = site.manager.client.node_instances.list(deployment_id="whole", node_id="app").items
        pid = app["runtime_properties"].get("pid")
        if pid is not None:
            return str(pid)


def test_a_wrong_key_is_said(site: Site) -> None:
    make_key(site.folder / "wrong")
    site.manager.client.secrets.create("wrong", (site.folder / "wrong").read_text())
    site.deploy("wrong-key", key="wrong", ssh={"wait": 1})
    assert f"does not accept the user `{site.host.user}` with this key" in site.fails("wrong-key")


def test_another_host_key_ends_it_before_anything_is_sent(site: Site) -> None:
    make_key(site.folder / "other")
    site.deploy("other-host", ssh={"host_key": (site.folder / "other.pub").read_text()})
    assert "it is another machine, or was made again" in site.fails("other-host")
    assert not site.agent_folder("other-host").exists()


def test_a_host_with_an_old_python_is_said_with_what_it_has(site: Site) -> None:
    old = site.folder / "python3"
    old.write_text("#!/bin/sh\necho python 3.9.2 $0\n")
    old.chmod(0o755)
    site.deploy("old", python=str(old))
    assert f"no Python 3.11 or newer, which the agent needs. Found: {old} (3.9.2)" in site.fails("old")


def test_a_full_disk_is_said(site: Site) -> None:
    site.deploy("full")
    folder = site.agent_folder("full")
    folder.mkdir(parents=True)
    (folder / "agent.pyz.new").symlink_to("/dev/full")
    said = site.fails("full")
    assert f"The host does not store {folder}/agent.pyz: " in said
    assert "No space left on device" in said


def test_an_installation_on_a_host_that_says_nothing_is_killed_at_once(site: Site) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        site.deploy("silent", port=silent.getsockname()[1])
        id = site.manager.run("install", "silent")
        connection, _ = silent.accept()
        site.manager.cancel(id, "kill")
        assert site.manager.end(id)["status"] == "cancelled"
        with connection:
            while connection.recv(4096):
                pass


def test_a_host_that_is_gone_for_ever_does_not_hold_its_uninstallation_up(site: Site) -> None:
    site.deploy("gone", ssh={"wait": 1})
    id = site.manager.run("install", "gone")
    assert site.manager.end(id)["status"] == "terminated", site.manager.story(id)
    assert "it is expected to have the same from here on" in site.manager.story(id)
    for process in leftovers(site.agent_folder("gone")):
        process.kill()
    site.host.stop()
    id = site.manager.run("uninstall", "gone")
    assert site.manager.end(id)["status"] == "terminated", site.manager.story(id)
    assert "`cloudify.interfaces.lifecycle.stop` is passed over: its agent" in site.manager.story(id)
    assert "stay on its host: The host 127.0.0.1, port" in site.manager.story(id)
    assert site.manager.client.agents.list(deployment_id="gone").items == []
