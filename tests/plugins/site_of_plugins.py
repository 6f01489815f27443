"""A manager with real plugins of Cloudify, and deployments of blueprints that use them."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from manager_process import ManagerProcess

from cloudwright.cli.plugin_source import open_plugin

#: What ``scripts/need-plugins`` has fetched and built.
PEERS = Path(__file__).parents[2] / ".peers"
SOURCES = PEERS / "sources"
#: The plugins, by name, and their versions.
VERSIONS = {
    "cloudify-aws-plugin": "3.1.7",
    "cloudify-fabric-plugin": "2.0.27",
    "cloudify-kubernetes-plugin": "2.13.32",
    "cloudify-terraform-plugin": "0.20.9",
    "cloudify-utilities-plugin": "2.0.7",
}


def wagon(package: str, folder: Path, *more: Path) -> Path:
    """Return a wagon of a plugin, of the wheels that ``scripts/need-plugins`` has built, and of ``more``."""
    wheels = PEERS / "plugins" / package
    assert (wheels / "ready").exists(), f"{package} is missing: run `make plugins`, which builds it"
    version = VERSIONS[package]
    description = folder / "package.json"
    description.write_text(json.dumps({"package_name": package, "package_version": version}))
    path = folder / f"{package.replace('-', '_')}-{version}-py311-none-linux_x86_64.wgn"
    with tarfile.open(path, "w:gz", compresslevel=1) as tar:
        tar.add(description, f"{package}/package.json")
        for wheel in (*sorted(wheels.glob("*.whl")), *more):
            tar.add(wheel, f"{package}/wheels/{wheel.name}")
    return path


@dataclass(frozen=True)
class Site:
    """``folder`` is the home of who runs the manager."""

    manager: ManagerProcess
    folder: Path

    def plugin(self, name: str) -> None:
        """Upload a plugin, as it is published, if it is not there yet."""
        there = [row["package_name"] for row in self.manager.client.plugins.list().items]
        if name not in there:
            packed = wagon(name, self.folder)
            with open_plugin(packed, [SOURCES / name / "plugin.yaml"]) as archive:
                self.manager.client.plugins.upload(archive)
            packed.unlink()

    def deploy(
        self, id: str, folder: Path, inputs: dict[str, Any], main: str = "blueprint.yaml"
    ) -> Deployment:
        """Upload the blueprint in ``folder``, and make a deployment of it, both called ``id``."""
        self.upload(id, folder, main)
        self.manager.client.deployments.create(id, blueprint_id=id, inputs=inputs)
        return Deployment(self.manager, id)

    def upload(self, id: str, folder: Path, main: str) -> None:
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w:gz") as tar:
            tar.add(folder, "blueprint")
        archive.seek(0)
        self.manager.client.blueprints.upload(id, archive, main_file=main)

    def secret(self, key: str, value: str) -> None:
        self.manager.client.secrets.create(key, value, update_if_exists=True)


class Deployment:
    def __init__(self, manager: ManagerProcess, id: str) -> None:
        self.manager, self.id = manager, id

    def run(self, workflow: str, **parameters: Any) -> dict[str, Any]:
        # Behind what the plugins themselves start: the AWS plugin looks again at what it made.
        return self.ended(self.manager.run(workflow, self.id, queue=True, **parameters))

    def ended(self, execution: str, status: str = "terminated") -> dict[str, Any]:
        ended = self.manager.end(execution)
        assert ended["status"] == status, f"{ended['error']}\n{self.manager.story(execution)}"
        return ended

    def update(self, **wanted: Any) -> dict[str, Any]:
        started = self.manager.client.deployment_updates.start(self.id, **wanted)
        return self.ended(str(started["execution_id"]))

    def cancelled_after(self, operation: str, how: str = "cancel", workflow: str = "install") -> str:
        """Start a workflow, and cancel it when an operation has ended well; return the execution's id."""
        execution = self.manager.run(workflow, self.id)

        def done(event: dict[str, Any]) -> bool:
            name = str(event.get("operation"))
            return event.get("event_type") == "task_succeeded" and name.endswith(operation)

        self.manager.event(execution, done)
        self.manager.cancel(execution, how)
        self.ended(execution, "cancelled")
        return execution

    def resume(self, execution: str) -> None:
        self.manager.client.executions.resume(execution)
        self.ended(execution)

    def instances(self, node: str) -> list[dict[str, Any]]:
        """The runtime properties of a node's instances that are started."""
        rows = self.manager.client.node_instances.list(deployment_id=self.id, node_id=node).items
        return [row["runtime_properties"] for row in rows if row["state"] == "started"]

    def ids(self, node: str) -> list[str]:
        """The ids of a node's instances that are started."""
        rows = self.manager.client.node_instances.list(deployment_id=self.id, node_id=node).items
        return [row["id"] for row in rows if row["state"] == "started"]

    def outputs(self) -> dict[str, Any]:
        outputs: dict[str, Any] = self.manager.client.deployments.outputs(self.id)
        return outputs

    def delete(self) -> None:
        self.manager.client.deployments.delete(self.id)


def copied(source: Path, folder: Path) -> Path:
    """Return a copy of a blueprint's folder, without what git and tests have there."""
    target = folder / source.name
    shutil.copytree(source, target, ignore=shutil.ignore_patterns(".git", "__pycache__"))
    return target
