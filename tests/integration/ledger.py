"""Deployments whose things are files (``tests/fixtures/ledger_plugin``), and what is known of them."""

from __future__ import annotations

import io
import itertools
import tarfile
from pathlib import Path
from typing import Any

from manager_process import ManagerProcess, watching

from cloudwright.client.api import Client

PLUGIN = Path(__file__).parents[1] / "fixtures" / "ledger_plugin" / "plugins"
_HEAD = """\
tosca_definitions_version: cloudify_dsl_1_4
imports: [cloudify/types/types.yaml]
inputs:
  ledger: {type: string}
  color: {type: string, default: red}
plugins: {ledger: {executor: central_deployment_agent, source: ledger}}
node_types:
  thing:
    derived_from: cloudify.nodes.Root
    properties:
      ledger: {default: {get_input: ledger}}
      color: {default: {get_input: color}}
    interfaces:
      cloudify.interfaces.lifecycle:
        create: ledger.ledger.operations.act
        start: ledger.ledger.operations.act
        stop: ledger.ledger.operations.act
        delete: ledger.ledger.operations.act
  resumable:
    derived_from: thing
    interfaces:
      cloudify.interfaces.lifecycle:
        create: ledger.ledger.operations.act_again
  checked:
    derived_from: thing
    interfaces:
      cloudify.interfaces.validation:
        check_status: {implementation: ledger.ledger.operations.act, max_retries: 0}
  healing:
    derived_from: checked
    interfaces:
      cloudify.interfaces.lifecycle:
        heal: {implementation: ledger.ledger.operations.act, max_retries: 0}
  updatable:
    derived_from: thing
    interfaces:
      cloudify.interfaces.lifecycle:
        check_drift: {implementation: ledger.ledger.operations.act, max_retries: 0}
        update: {implementation: ledger.ledger.operations.act, max_retries: 0}
relationships:
  uses:
    derived_from: cloudify.relationships.connected_to
    source_interfaces:
      cloudify.interfaces.relationship_lifecycle:
        establish: ledger.ledger.operations.act
        unlink: ledger.ledger.operations.act
"""
#: Three things: `app` in each `host`, and both use `db`.
THREE = """\
node_templates:
  db: {type: thing}
  host: {type: thing, capabilities: {scalable: {properties: {default_instances: 2, max_instances: 4}}}}
  app:
    type: thing
    relationships:
      - {type: cloudify.relationships.contained_in, target: host}
      - {type: uses, target: db}
"""


class Ledger:
    """One deployment, installed unless it is said otherwise."""

    _numbers = itertools.count(1)

    def __init__(
        self,
        manager: ManagerProcess,
        folder: Path,
        nodes: str = THREE,
        *,
        install: bool = True,
        inner: str | None = None,
    ) -> None:
        self.manager = manager
        self.folder = folder / "ledger"
        for name in ("things", "control"):
            (self.folder / name).mkdir(parents=True)
        for name in ("log", "held"):
            (self.folder / name).touch()
        self.id = f"ledger{next(self._numbers)}"
        self.upload(self.id, nodes, inner)
        self.client.deployments.create(self.id, blueprint_id=self.id, inputs={"ledger": str(self.folder)})
        if install:
            self.run("install")
        self.forget()

    @property
    def client(self) -> Client:
        client = self.manager.client
        assert client is not None
        return client

    def upload(self, blueprint: str, nodes: str, inner: str | None = None) -> str:
        """Upload a blueprint of these nodes; ``inner`` are those of one that lies in its folder ``inner``."""
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w:gz") as tar:
            _add(tar, "b", nodes)
            if inner is not None:
                _add(tar, "b/inner", inner)
        archive.seek(0)
        self.client.blueprints.upload(blueprint, archive, main_file="blueprint.yaml")
        return blueprint

    # Running something.

    def start(self, workflow: str, **parameters: Any) -> str:
        return str(self.manager.run(workflow, self.id, **parameters))

    def run(self, workflow: str, *, status: str = "terminated", **parameters: Any) -> dict[str, Any]:
        """Run a workflow to its end, which must have this status; return the execution."""
        id = self.start(workflow, **parameters)
        ended: dict[str, Any] = self.manager.end(id)
        assert ended["status"] == status, f"{ended['error']}\n{self.manager.story(id)}"
        return ended

    def control(self, operation: str, what: str | None) -> None:
        """Let ``OPERATION.NODE`` be held, or fail; None lets it go."""
        file = self.folder / "control" / operation
        if what is None:
            file.unlink()
        else:
            file.write_text(what)

    def await_held(self) -> int:
        """Wait until an operation is held; return its process."""
        held = self.folder / "held"
        with watching(held) as changed:
            while not held.read_text().endswith("\n"):
                changed()
        return int(held.read_text().splitlines()[0])

    # What is known.

    def forget(self) -> None:
        """Begin a new log."""
        (self.folder / "log").write_text("")

    def log(self) -> list[str]:
        """What began, as ``OPERATION INSTANCE COLOR MARK`` each."""
        return (self.folder / "log").read_text().splitlines()

    def ran(self) -> list[str]:
        """What began, as ``OPERATION NODE`` each."""
        return [f"{line.split()[0]} {line.split()[1].partition('_')[0]}" for line in self.log()]

    def things(self) -> set[str]:
        return {file.name for file in (self.folder / "things").iterdir()}

    def instances(self) -> dict[str, dict[str, Any]]:
        rows = self.client.node_instances.list(deployment_id=self.id).items
        return {str(row["id"]): dict(row) for row in rows}

    def live(self) -> set[str]:
        """The instances that the manager says are there."""
        return {
            id for id, one in self.instances().items() if one["state"] not in ("uninitialized", "deleted")
        }

    def counts(self) -> dict[str, tuple[int, int]]:
        """How many instances each node has, and how many it is to have in each container."""
        rows = self.client.nodes.list(deployment_id=self.id).items
        return {
            str(row["id"]): (row["number_of_instances"], row["planned_number_of_instances"]) for row in rows
        }

    def modifications(self) -> list[str]:
        rows = self.client.deployment_modifications.list(deployment_id=self.id).items
        return [str(row["status"]) for row in rows]

    def updates(self) -> list[str]:
        rows = self.client.deployment_updates.list(deployment_id=self.id).items
        return [str(row["state"]) for row in rows]


def _add(tar: tarfile.TarFile, folder: str, nodes: str) -> None:
    text = (_HEAD + nodes).encode()
    info = tarfile.TarInfo(f"{folder}/blueprint.yaml")
    info.size = len(text)
    tar.addfile(info, io.BytesIO(text))
    tar.add(PLUGIN, f"{folder}/plugins", filter=lambda info: None if "__pycache__" in info.name else info)
