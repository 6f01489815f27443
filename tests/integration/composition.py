"""Deployments that are made of others: `top` has a component `mid`, and that one a component `low`."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

from ledger import Ledger
from manager_process import ManagerProcess

LOW = """\
workflows: {stubborn: ledger.ledger.workflows.stubborn}
node_templates:
  thing: {type: resumable}
capabilities:
  color: {value: {get_property: [thing, color]}}
  made: {value: {get_attribute: [thing, made]}}
"""


def component(blueprint: str, deployment: str, *more: str, workflow: str = "install") -> str:
    """Return a blueprint's nodes: a component, and a thing that waits for it."""
    return f"""\
node_templates:
  part:
    type: cloudify.nodes.Component
    properties:
      resource_config:
        blueprint: {{id: {blueprint}, external_resource: true}}
        deployment: {{id: {deployment}, inputs: {{ledger: {{get_input: ledger}}}}{"".join(more)}}}
    interfaces:
      cloudify.interfaces.lifecycle:
        start: {{inputs: {{workflow_id: {workflow}}}}}
  after:
    type: thing
    relationships: [{{type: cloudify.relationships.depends_on, target: part}}]
capabilities:
  below: {{value: {{get_attribute: [part, capabilities]}}}}
"""


class Composition(Ledger):
    """The deployment ``id`` is the topmost one, ``mid`` and ``low`` are those below it."""

    _compositions = itertools.count(1)

    def __init__(
        self, manager: ManagerProcess, folder: Path, *, install: bool = True, workflow: str = "install"
    ) -> None:
        self.manager = manager
        number = next(self._compositions)
        self.low, self.mid = f"low{number}", f"mid{number}"
        self.upload(self.low, LOW)
        self.upload(self.mid, component(self.low, self.low, workflow=workflow))
        super().__init__(manager, folder, component(self.mid, self.mid), install=install)

    def part(self, deployment: str | None = None) -> dict[str, Any]:
        """Return the instance of the component of a deployment."""
        rows = self.client.node_instances.list(deployment_id=deployment or self.id).items
        [found] = [dict(row) for row in rows if row["node_id"] == "part"]
        return found

    def deployments(self) -> set[str]:
        return {str(row["id"]) for row in self.client.deployments.list().items} & {
            self.id,
            self.mid,
            self.low,
        }

    def executions(self, deployment: str, workflow: str = "install") -> list[dict[str, Any]]:
        rows = self.client.executions.list(deployment_id=deployment).items
        return [dict(row) for row in rows if row["workflow_id"] == workflow]

    def only(self, deployment: str, workflow: str = "install") -> dict[str, Any]:
        [found] = self.executions(deployment, workflow)
        return found
