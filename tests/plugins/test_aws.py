"""Cloudify's AWS plugin 3.1.7, unchanged, against a stand-in for AWS: installed, cancelled half-way, resumed,
scaled, healed, updated and uninstalled; and what is listed is what is there.
"""

from __future__ import annotations

import io
import json
import re
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from manager_process import ManagerProcess, running_manager
from wagons import PEERS, wagon

from cloudwright.cli.plugin_source import open_plugin

HERE = Path(__file__).parent / "aws"


class Aws:
    """A moto server: AWS, as far as a test needs it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [PEERS / "moto" / "bin" / "moto_server", "-p", "0"],
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            text=True,
        )
        self.url = ""
        assert self._process.stderr is not None
        for line in self._process.stderr:
            found = re.search(r"Running on (http://\S+)", line)
            if found:
                self.url = found[1]
                return
        raise AssertionError("the moto server did not start")

    def close(self) -> None:
        assert self._process.stderr is not None
        self._process.terminate()
        self._process.stderr.read()
        self._process.wait()
        self._process.stderr.close()

    def _state(self, *ended: str) -> dict[str, Any]:
        command: list[str | Path] = [
            PEERS / "moto" / "bin" / "python",
            HERE / "state_script.py",
            self.url,
            *ended,
        ]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert ran.returncode == 0, ran.stderr
        state: dict[str, Any] = json.loads(ran.stdout)
        return state

    def there(self) -> dict[str, int]:
        """How many there are of what the blueprint makes."""
        return dict(self._state()["there"])

    def machines(self) -> dict[str, str]:
        """The types of the machines that run, by their ids."""
        return dict(self._state()["machines"])

    def terminate(self, machine: str) -> None:
        """End a machine behind the manager's back."""
        self._state(machine)


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    stand_in = Aws()
    yield stand_in
    stand_in.close()


@pytest.fixture(scope="module")
def manager(aws: Aws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ManagerProcess]:
    folder = tmp_path_factory.mktemp("aws")
    # The plugin drops an `endpoint_url`; its library reads one here.
    (folder / ".aws").mkdir()
    (folder / ".aws" / "config").write_text(f"[default]\nendpoint_url = {aws.url}\n")
    with running_manager(folder, environment={"HOME": str(folder)}, task_retry_interval=0.2) as running:
        with open_plugin(wagon("cloudify-aws-plugin", "3.1.7", folder), [HERE / "plugin.yaml"]) as archive:
            running.client.plugins.upload(archive)
        yield running


ALL = {"vpc": 1, "subnet": 1, "group": 1, "vm": 1, "bucket": 1, "queue": 1}


class Deployment:
    def __init__(self, manager: ManagerProcess, aws: Aws, id: str) -> None:
        self.manager, self.aws, self.id = manager, aws, id
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w:gz") as tar:
            tar.add(HERE / "blueprint.yaml", "aws/blueprint.yaml")
        archive.seek(0)
        manager.client.blueprints.upload(id, archive, main_file="blueprint.yaml")
        manager.client.deployments.create(id, blueprint_id=id, inputs={"bucket": f"bucket-{id}"})

    def run(self, workflow: str, **parameters: Any) -> dict[str, Any]:
        return self.ended(self.manager.run(workflow, self.id, **parameters))

    def ended(self, execution: str) -> dict[str, Any]:
        ended = self.manager.end(execution)
        assert ended["status"] == "terminated", f"{ended['error']}\n{self.manager.story(execution)}"
        return ended

    def update(self, **wanted: Any) -> dict[str, Any]:
        started = self.manager.client.deployment_updates.start(self.id, **wanted)
        return self.ended(str(started["execution_id"]))

    def ids(self, node: str) -> set[str]:
        """The ids that AWS has given the instances of a node."""
        rows = self.manager.client.node_instances.list(deployment_id=self.id, node_id=node).items
        return {row["runtime_properties"]["aws_resource_id"] for row in rows}


@pytest.fixture
def deployment(manager: ManagerProcess, aws: Aws, request: pytest.FixtureRequest) -> Deployment:
    return Deployment(manager, aws, re.sub(r"\W", "-", request.node.name).replace("_", "-"))


def test_the_life_of_a_deployment(deployment: Deployment, aws: Aws) -> None:
    deployment.run("install")
    assert aws.there() == ALL
    assert deployment.ids("vm") == set(aws.machines())
    deployment.run("check_status")
    deployment.run("scale", scalable_entity_name="vm", delta=2)
    assert aws.there() == ALL | {"vm": 3}
    assert deployment.ids("vm") == set(aws.machines())
    deployment.run("scale", scalable_entity_name="vm", delta=-1)
    assert aws.there() == ALL | {"vm": 2}
    assert deployment.ids("vm") == set(aws.machines())
    before = deployment.ids("vm")
    deployment.update(inputs={"type": "t2.large"})
    assert set(aws.machines().values()) == {"t2.large"}
    assert not before & deployment.ids("vm")
    assert deployment.ids("vm") == set(aws.machines())
    deployment.run("uninstall")
    assert aws.there() == {}


def test_cancelled_half_way_resumed_and_healed(deployment: Deployment, aws: Aws) -> None:
    manager = deployment.manager
    execution = manager.run("install", deployment.id)
    manager.event(execution, lambda event: event.get("event_type") == "task_succeeded")
    manager.cancel(execution)
    assert manager.end(execution)["status"] == "cancelled"
    assert "vm" not in aws.there()
    manager.client.executions.resume(execution)
    deployment.ended(execution)
    assert aws.there() == ALL
    before = deployment.ids("vm")
    # Someone else has ended the machine: its check fails, and it is made anew.
    aws.terminate(before.pop())
    deployment.run("heal")
    assert aws.there() == ALL
    assert deployment.ids("vm") == set(aws.machines())
    deployment.run("uninstall")
    assert aws.there() == {}


def test_killed_half_way_and_uninstalled(deployment: Deployment, aws: Aws) -> None:
    manager = deployment.manager
    execution = manager.run("install", deployment.id)
    manager.event(execution, lambda event: event.get("event_type") == "task_succeeded")
    manager.cancel(execution, "kill")
    assert manager.end(execution)["status"] == "cancelled"
    deployment.run("install")
    assert aws.there() == ALL
    deployment.run("uninstall")
    assert aws.there() == {}
