"""Cloudify's Fabric plugin, unchanged, over SSH to this machine."""

from __future__ import annotations

from pathlib import Path

import pytest
from site_of_plugins import Deployment, Site, copied

from sshd import Sshd

HERE = Path(__file__).parent / "fabric"


@pytest.fixture
def deployment(site: Site, sshd: Sshd, name: str, tmp_path: Path) -> Deployment:
    site.plugin("cloudify-fabric-plugin")
    site.secret("ssh_key", sshd.private_key)
    inputs = {"port": sshd.port, "user": sshd.user, "folder": str(tmp_path / "machine")}
    return site.deploy(name, copied(HERE, tmp_path), inputs)


@pytest.fixture
def machine(deployment: Deployment, tmp_path: Path) -> Path:
    """The folder in which the blueprint works."""
    return tmp_path / "machine"


def servers(machine: Path) -> dict[str, str]:
    """The greetings on the machine, by instance."""
    return {file.name: file.read_text().strip() for file in machine.iterdir() if file.name != "log"}


def test_the_life_of_a_deployment(deployment: Deployment, machine: Path) -> None:
    deployment.run("install")
    [server] = deployment.instances("server")
    [(id, said)] = servers(machine).items()
    assert said == f"hello {id}"
    assert server["told"] == said
    assert server["greeting"] == "hello"
    assert server["place"] == {"folder": str(machine)}
    deployment.run("scale", scalable_entity_name="server", delta=2)
    assert len(servers(machine)) == len(deployment.instances("server")) == 3
    deployment.run("scale", scalable_entity_name="server", delta=-1)
    assert len(servers(machine)) == 2
    deployment.run("heal", node_instance_id=id)
    assert len(servers(machine)) == 2
    deployment.update(inputs={"greeting": "goodbye"}, reinstall_list=list(servers(machine)))
    assert {text.rpartition(" ")[0] for text in servers(machine).values()} == {"goodbye"}
    deployment.run("uninstall")
    assert servers(machine) == {}
    deployment.delete()


def test_cancelled_half_way_and_resumed(deployment: Deployment, machine: Path) -> None:
    execution = deployment.cancelled_after("create")
    assert servers(machine) == {}
    deployment.resume(execution)
    assert len(servers(machine)) == 1
    assert (machine / "log").read_text() == "made\n"
    deployment.run("uninstall")
    assert servers(machine) == {}


def test_killed_half_way_and_uninstalled(deployment: Deployment, machine: Path) -> None:
    deployment.cancelled_after("create", "kill")
    deployment.run("install")
    assert len(servers(machine)) == 1
    deployment.run("uninstall")
    assert servers(machine) == {}
