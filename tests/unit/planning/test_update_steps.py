"""The steps of an update, beside a table of what Cloudify's documentation says that an update may change."""

from __future__ import annotations

import pytest
from plans import deployed

from cloudwright.planning import compare

OLD = """\
inputs: {size: {default: 1}}
node_templates:
  db: {type: t}
  web:
    type: t
    properties: {x: 1}
    interfaces: {i: {o: {implementation: p.x, inputs: {v: {default: 1}}}}}
    relationships:
      - {type: cloudify.relationships.connected_to, target: db}
outputs: {where: {value: here}}
capabilities: {port: {value: 80}}
workflows: {act: {mapping: p.act}}
groups: {both: {members: [db, web]}}
policies: {scaled: {type: cloudify.policies.scaling, targets: [both], properties: {default_instances: 1}}}
description: first
"""
ADD, REMOVE, MODIFY = "add", "remove", "modify"
TABLE = {
    "nothing": (OLD, []),
    "a node more": (
        OLD.replace("  db: {type: t}\n", "  db: {type: t}\n  more: {type: t}\n"),
        [(ADD, "node", "nodes:more")],
    ),
    "a node less": (
        OLD.replace("  db: {type: t}\n", "")
        .replace("    relationships:\n      - {type: cloudify.relationships.connected_to, target: db}\n", "")
        .replace("[db, web]", "[web]"),
        [
            (REMOVE, "node", "nodes:db"),
            (REMOVE, "relationship", "nodes:web:relationships:[0]"),
            (MODIFY, "groups", "groups:both"),
            (MODIFY, "scaling_groups", "scaling_groups:both"),
        ],
    ),
    "a property": (OLD.replace("{x: 1}", "{x: 2}"), [(MODIFY, "property", "nodes:web:properties:x")]),
    "an operation's input": (
        OLD.replace("{default: 1}}}}}", "{default: 2}}}}}"),
        [(MODIFY, "operation", "nodes:web:operations:i.o"), (MODIFY, "operation", "nodes:web:operations:o")],
    ),
    "a relationship's type": (
        OLD.replace("connected_to, target", "depends_on, target"),
        [
            (REMOVE, "relationship", "nodes:web:relationships:[0]"),
            (ADD, "relationship", "nodes:web:relationships:[0]"),
        ],
    ),
    "a relationship's property": (
        OLD.replace("target: db}", "target: db, properties: {connection_type: all_to_one}}"),
        [(MODIFY, "property", "nodes:web:relationships:[0]:properties:connection_type")],
    ),
    "outputs": (
        OLD.replace("{where: {value: here}}", "{there: {value: here}}"),
        [(REMOVE, "outputs", "outputs:where"), (ADD, "outputs", "outputs:there")],
    ),
    "a capability": (OLD.replace("80", "443"), [(MODIFY, "capabilities", "capabilities:port")]),
    "a workflow": (
        OLD.replace("{act: {mapping: p.act}}", "{do: {mapping: p.act}}"),
        [
            (REMOVE, "workflows", "workflows:act"),
            (ADD, "workflows", "workflows:do"),
        ],
    ),
    "a scaling group's number": (
        OLD.replace("{default_instances: 1}", "{default_instances: 2}"),
        [(MODIFY, "scaling_groups", "scaling_groups:both"), (MODIFY, "policies", "policies:scaled")],
    ),
    "the description": (OLD.replace("first", "second"), [(MODIFY, "description", "description")]),
    "a schedule": (
        OLD + "deployment_settings: {default_schedules: {nightly: {workflow: act, since: '+1h'}}}\n",
        [(ADD, "schedules", "schedules:nightly")],
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_what_changes_is_a_step(name: str) -> None:
    text, expected = TABLE[name]
    steps = {(step.action, step.kind, step.entity) for step in compare(deployed(OLD), deployed(text))}
    assert steps == set(expected)


@pytest.mark.parametrize("name", TABLE)
def test_the_way_back_is_the_reverse(name: str) -> None:
    text, _ = TABLE[name]
    there = {(step.action, step.entity) for step in compare(deployed(OLD), deployed(text))}
    back = {(step.action, step.entity) for step in compare(deployed(text), deployed(OLD))}
    turned = {ADD: REMOVE, REMOVE: ADD, MODIFY: MODIFY}
    assert back == {(turned[action], entity) for action, entity in there}
