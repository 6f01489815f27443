"""What of a plan cannot run in this version, and what is said about it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cloudwright.dsl import parse_blueprint
from cloudwright.planning import unsupported
from cloudwright.planning.unsupported import (
    DELETE,
    EVERYTHING,
    INSTALL,
    UNINSTALL,
    Obstacle,
    Steps,
    explain,
    obstacles,
)

TEXT = """
tosca_definitions_version: cloudify_dsl_1_4
imports: [cloudify/types/types.yaml]
plugins:
  p: {executor: central_deployment_agent, install: false}
  own: {executor: central_deployment_agent, source: own}
node_types:
  app:
    derived_from: cloudify.nodes.Root
    interfaces:
      cloudify.interfaces.lifecycle:
        create: p.module.create
        start: {implementation: p.module.start, executor: host_agent}
        delete: {implementation: p.module.delete, executor: host_agent}
      my.interface:
        own: p.gone.function
        brought: own.gone.function
relationships:
  linked:
    derived_from: cloudify.relationships.connected_to
    source_interfaces:
      cloudify.interfaces.relationship_lifecycle:
        establish: {implementation: p.module.link, executor: host_agent}
    target_interfaces:
      cloudify.interfaces.relationship_lifecycle:
        unlink: {implementation: p.module.unlink, executor: host_agent}
node_templates:
  bare: {type: cloudify.nodes.Compute, properties: {agent_config: {install_method: none}}}
  host: {type: cloudify.nodes.Compute}
  starting: {type: cloudify.nodes.Compute, properties: {agent_config: {install_method: winrm}}}
  unknown: {type: cloudify.nodes.Compute, properties: {agent_config: {get_input: agent}}}
  app:
    type: app
    relationships:
      - {type: cloudify.relationships.contained_in, target: bare}
      - {type: linked, target: other}
  other:
    type: app
    relationships: [{type: cloudify.relationships.contained_in, target: host}]
inputs: {agent: {}}
"""
CLOUDIFY_AGENT = "cloudify.interfaces.cloudify_agent"
LIFECYCLE = "cloudify.interfaces.lifecycle"
RELATIONSHIP = "cloudify.interfaces.relationship_lifecycle"


def is_missing(mapping: str) -> bool:
    return mapping.startswith(("gone.", "cloudify_agent."))


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    file: Path = tmp_path_factory.mktemp("blueprint") / "blueprint.yaml"
    file.write_text(TEXT)
    return {node["id"]: node for node in parse_blueprint(file).nodes}


@pytest.mark.parametrize(
    ("node", "steps", "expected"),
    [
        ("bare", EVERYTHING, []),
        ("unknown", EVERYTHING, []),
        ("host", INSTALL, ["agent cloudify.interfaces.cloudify_agent.create remote"]),
        (
            "starting",
            INSTALL,
            [f"agent {CLOUDIFY_AGENT}.create winrm"],
        ),
        ("host", UNINSTALL, [f"agent {CLOUDIFY_AGENT}.{name} remote" for name in ("delete", "stop")]),
        ("host", DELETE, []),
        ("app", INSTALL, [f"host {LIFECYCLE}.start bare", f"host {RELATIONSHIP}.establish bare"]),
        # The end of a relationship that runs an operation is the one whose host counts.
        ("app", DELETE, [f"host {LIFECYCLE}.delete bare", f"host {RELATIONSHIP}.unlink host"]),
        ("other", DELETE, [f"host {LIFECYCLE}.delete host"]),
        ("app", Steps(frozenset({"my.interface.own"})), ["function my.interface.own gone.function"]),
        ("app", Steps(frozenset({"own"})), ["function own gone.function"]),
        ("app", Steps(frozenset({"my.interface.brought"})), []),
        ("app", Steps(frozenset({"no.such"})), []),
        (
            "other",
            EVERYTHING,
            [
                "function my.interface.own gone.function",
                f"host {LIFECYCLE}.delete host",
                f"host {LIFECYCLE}.start host",
            ],
        ),
    ],
)
def test_what_stands_in_the_way(
    nodes: dict[str, Any], node: str, steps: Steps, expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unsupported, "has_ssh", lambda: False)
    found = obstacles(nodes[node], nodes, steps, is_missing)
    assert sorted(f"{each.kind} {each.operation} {each.what}" for each in found) == expected
    assert {each.node for each in found} <= {node}


def test_a_host_whose_agent_can_be_installed_over_ssh_stands_in_no_way(nodes: dict[str, Any]) -> None:
    assert unsupported.has_ssh()
    for node, steps in (("host", INSTALL), ("host", UNINSTALL), ("other", DELETE)):
        assert obstacles(nodes[node], nodes, steps, lambda mapping: mapping.startswith("gone.")) == []


def test_nodes_with_the_same_obstacle_are_named_together() -> None:
    found = [Obstacle("host", f"n{number}", "t", "x.create", "vm") for number in range(30)]
    found += [Obstacle("function", "c", "cloudify.nodes.Component", "x.create", "cloudify_types.create")]
    (hosts, what), (component, _) = explain(found)
    assert "`n0`" in hosts
    assert "18 more (type `t`)" in hosts
    assert "executor: central_deployment_agent" in what
    assert "`cloudify.nodes.Component`" in component
    assert "`cloudify_types.create`" in component
