"""The operations that a start is checked for are those that the workflows run."""

from __future__ import annotations

import pytest
from fake_host import FakeHost, instances_of, node, relationship

from cloudwright.model.hosts import AGENT_INTERFACE
from cloudwright.planning.unsupported import INSTALL, UNINSTALL, Steps

INTERFACES = {
    "cloudify.interfaces.lifecycle": (
        "precreate create configure start poststart prestop stop delete postdelete"
    ),
    "cloudify.interfaces.validation": "create delete",
    "cloudify.interfaces.monitoring": "start stop",
    "cloudify.interfaces.monitoring_agent": "install start stop uninstall",
    "cloudify.interfaces.host": "get_state",
    AGENT_INTERFACE: "create start stop delete",
}
RELATIONSHIP = ["preconfigure", "postconfigure", "establish", "unlink"]
ALL = [f"{interface}.{name}" for interface, names in INTERFACES.items() for name in names.split()]


@pytest.mark.parametrize(
    ("workflow", "state", "steps"),
    [("install", "uninitialized", INSTALL), ("uninstall", "started", UNINSTALL)],
)
def test_a_workflow_runs_what_it_is_checked_for(workflow: str, state: str, steps: Steps) -> None:
    nodes = [
        node("vm", ALL, host=True),
        node("app", [], relationships=[relationship("vm", source=RELATIONSHIP)]),
    ]
    host = FakeHost(
        nodes,
        mapping=f"cloudify.plugins.workflows.{workflow}",
        instances=instances_of(nodes, state),
        behaviour=lambda host, operation: host.succeed(operation, result=True),
    )
    end = host.run()
    assert end is not None
    assert end["outcome"] == "terminated"
    ran = {item["name"] for item in host.books.sent}
    assert {name for name in ran if name.startswith(AGENT_INTERFACE)}
    expected = (steps.operations or frozenset()) | (steps.relationship_operations or frozenset())
    assert {name for name in ran if not name.startswith(AGENT_INTERFACE)} == expected
