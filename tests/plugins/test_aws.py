"""Cloudify's AWS plugin 3.1.7, unchanged, against a stand-in for AWS: installed, cancelled half-way, resumed,
scaled, healed, updated and uninstalled; and what is listed is what is there.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from moto_server import Aws
from site_of_plugins import Deployment, Site

HERE = Path(__file__).parent / "aws"
ALL = {"vpc": 1, "subnet": 1, "group": 1, "vm": 1, "bucket": 1, "queue": 1}


@pytest.fixture
def deployment(site: Site, aws: Aws, name: str) -> Deployment:
    site.plugin("cloudify-aws-plugin")
    return site.deploy(name, HERE, {"bucket": f"bucket-{name}"})


def ids(deployment: Deployment, node: str = "vm") -> set[str]:
    """The ids that AWS has given the instances of a node."""
    return {properties["aws_resource_id"] for properties in deployment.instances(node)}


def test_the_life_of_a_deployment(deployment: Deployment, aws: Aws) -> None:
    deployment.run("install")
    assert aws.there() == ALL
    assert ids(deployment) == set(aws.machines())
    deployment.run("check_status")
    deployment.run("scale", scalable_entity_name="vm", delta=2)
    assert aws.there() == ALL | {"vm": 3}
    assert ids(deployment) == set(aws.machines())
    deployment.run("scale", scalable_entity_name="vm", delta=-1)
    assert aws.there() == ALL | {"vm": 2}
    assert ids(deployment) == set(aws.machines())
    before = ids(deployment)
    deployment.update(inputs={"type": "t2.large"})
    assert set(aws.machines().values()) == {"t2.large"}
    assert not before & ids(deployment)
    assert ids(deployment) == set(aws.machines())
    deployment.run("uninstall")
    assert aws.there() == {}


def test_cancelled_half_way_resumed_and_healed(deployment: Deployment, aws: Aws) -> None:
    execution = deployment.cancelled_after("precreate")
    assert "vm" not in aws.there()
    deployment.resume(execution)
    assert aws.there() == ALL
    # Someone else has ended the machine: its check fails, and it is made again.
    aws.terminate(ids(deployment).pop())
    deployment.run("heal")
    assert aws.there() == ALL
    assert ids(deployment) == set(aws.machines())
    deployment.run("uninstall")
    assert aws.there() == {}


def test_killed_half_way_and_uninstalled(deployment: Deployment, aws: Aws) -> None:
    deployment.cancelled_after("precreate", "kill")
    deployment.run("install")
    assert aws.there() == ALL
    deployment.run("uninstall")
    assert aws.there() == {}
