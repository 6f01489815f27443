"""Deployments of thousands of nodes, which no frame would hold if each node were told whole."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from manager_process import ManagerProcess

from cloudwright.process.frames import MAX_FRAME
from cloudwright.storage import deployments, instances
from cloudwright.storage.store import Store

NODES = 4_000
CHAINS = 10
TENANT = "default_tenant"
CREATE = "cloudify.interfaces.lifecycle.create"
HEAD = """\
tosca_definitions_version: cloudify_dsl_1_3
imports: [cloudify/types/types.yaml]
plugins:
  noop: {executor: central_deployment_agent, source: noop}
node_types:
  large.Node:
    derived_from: cloudify.nodes.Root
    interfaces:
      cloudify.interfaces.lifecycle:
        create: {implementation: noop.noop.note, inputs: {of: {default: {get_attribute: [SELF, note]}}}}
node_templates:
"""
CODE = "def note(ctx, of, **_):\n    ctx.instance.runtime_properties['seen'] = len(of or '')\n"


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[ManagerProcess]:
    made = ManagerProcess(tmp_path)
    made.start()
    try:
        yield made
    finally:
        made.stop()


def upload(manager: ManagerProcess) -> None:
    lines = [HEAD]
    for index in range(NODES):
        lines.append(f"  n{index}:\n    type: large.Node\n")
        if index >= CHAINS:
            before = f"{{type: cloudify.relationships.depends_on, target: n{index - CHAINS}}}"
            lines.append(f"    relationships: [{before}]\n")
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        for name, text in (("blueprint.yaml", "".join(lines)), ("plugins/noop/__init__.py", CODE)):
            entry = tarfile.TarInfo(f"large/{name}")
            entry.size = len(text.encode())
            tar.addfile(entry, io.BytesIO(text.encode()))
    archive.seek(0)
    manager.client.blueprints.upload("large", archive, main_file="blueprint.yaml")
    manager.client.deployments.create("large", blueprint_id="large", inputs={})


def run_on(manager: ManagerProcess, node: str) -> int:
    """Run ``create`` of one node; return the length of the note that it was given."""
    parameters = {"operation": CREATE, "node_ids": [node]}
    started = manager.client.executions.start("execute_operation", "large", parameters=parameters)
    end = manager.end(started["id"])
    assert end["status"] == "terminated", end["error"]
    [instance] = manager.client.node_instances.list(deployment_id="large", node_id=node).items
    return int(instance["runtime_properties"]["seen"])


def test_a_deployment_whose_nodes_no_frame_would_hold(manager: ManagerProcess) -> None:
    upload(manager)
    with stored(manager) as store:
        whole = store.read_sync(deployments.nodes, TENANT, "large")
        size = sum(len(orjson.dumps(row.node)) for row in whole)
        packed = len(orjson.dumps(store.read_sync(deployments.packed_nodes, TENANT, "large")))
    assert size > MAX_FRAME
    assert packed < size / 30
    assert run_on(manager, "n7") == 0
    [node] = manager.client.nodes.list(deployment_id="large", node_id="n3999").items
    assert node["operations"][CREATE]["operation"] == "noop.note"
    assert [item["target_id"] for item in node["relationships"]] == ["n3989"]

    # Nor would one hold these runtime properties, packed or not.
    with stored(manager) as store:
        rows = store.read_sync(instances.node_instances, TENANT, "large")
        for instance in rows[:9]:
            store.write_sync(
                instances.update_instance,
                TENANT,
                instance.id,
                runtime_properties={"note": "x" * (MAX_FRAME // 8)},
                now=datetime.now(UTC),
            )
    assert run_on(manager, rows[0].node_id) == MAX_FRAME // 8


@contextmanager
def stored(manager: ManagerProcess) -> Iterator[Store]:
    """The manager's database, beside the manager."""
    store = Store.open(f"sqlite:///{next(manager.home.glob('*.db'))}")
    try:
        yield store
    finally:
        store.close()
