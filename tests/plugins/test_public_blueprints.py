"""Blueprints from public repositories, as they are, with the plugins that they import: each is installed,
scaled, healed, updated and uninstalled. docs/reference/real-plugins.md lists them, and says why others are
not here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from moto_server import Aws
from site_of_plugins import SOURCES, Deployment, Site, copied
from stand_in_servers import Cluster, Users, serving

from certificates import self_signed
from sshd import Sshd

UTILITIES = ("cloudify-utilities-plugin",)
EXAMPLES = "blueprint-examples/utilities-examples"
#: Where blueprints that know no port but 443 find the REST API.
REST_HOST = "127.0.0.31"


@dataclass
class Outside:
    """What the blueprints manage."""

    aws: Aws
    sshd: Sshd
    cluster: Cluster = field(default_factory=Cluster)
    users: Users = field(default_factory=Users)


@dataclass(frozen=True)
class Example:
    """``scaled`` is the node that gets one instance more. The update takes ``new_inputs``, or a blueprint in
    which ``change`` was replaced.
    """

    folder: str
    main: str
    plugins: tuple[str, ...]
    scaled: str
    inputs: Callable[[Outside], dict[str, Any]] = lambda _: {}
    instances: int = 1
    change: tuple[str, str] | None = None
    new_inputs: Callable[[Outside], dict[str, Any]] = lambda _: {}


def _terminal(outside: Outside) -> dict[str, Any]:
    return {
        "terminal_user": outside.sshd.user,
        "terminal_port": outside.sshd.port,
        "terminal_password": "",
        "terminal_key_content": outside.sshd.private_key,
    }


ALL = {
    "cloud-init": Example(
        f"{EXAMPLES}/cloudify_cloudinit",
        "simple.yaml",
        UTILITIES,
        "user",
        new_inputs=lambda _: {"group": "users"},
    ),
    "configuration": Example(
        f"{EXAMPLES}/cloudify_configuration",
        "simple.yaml",
        UTILITIES,
        "linux_impl",
        _terminal,
        new_inputs=lambda _: {"parameters_json": {"RoutePublic": "Private"}},
    ),
    "rest": Example(
        f"{EXAMPLES}/cloudify_rest",
        "example-9-blueprint.yaml",
        UTILITIES,
        "update_user",
        lambda _: {"rest_endpoint": REST_HOST},
        change=("get_user", "got_user"),
    ),
    "scale-list": Example(
        f"{EXAMPLES}/cloudify_scalelist", "blueprint.yaml", UTILITIES, "one", change=("one0", "one9")
    ),
    "custom-workflow": Example(
        f"{EXAMPLES}/cloudify_custom_workflow",
        "example.yaml",
        UTILITIES,
        "nodeA",
        change=("MyFlatWorkFlow", "MyOtherWorkFlow"),
    ),
    "rest-posts": Example(
        f"{EXAMPLES}/cloudify_rest",
        "example-2-blueprint.yaml",
        UTILITIES,
        "user-post",
        lambda _: {"rest_endpoint": REST_HOST},
        change=('POST_ID: "1"', 'POST_ID: "2"'),
    ),
    "scale-tree": Example(
        f"{EXAMPLES}/cloudify_scalelist",
        "tree_blueprint.yaml",
        UTILITIES,
        "tree",
        new_inputs=lambda _: {"tree_name": "tree9"},
    ),
    "rest-update": Example(
        f"{EXAMPLES}/cloudify_rest",
        "example-8-blueprint.yaml",
        UTILITIES,
        "update_user",
        lambda _: {"rest_endpoint": REST_HOST},
        change=("utilities plugin REST example", "example of the utilities plugin"),
    ),
    "aws-network": Example(
        "blueprint-examples/aws-example-network",
        "blueprint.yaml",
        ("cloudify-aws-plugin",),
        "nat_gateway_ip",
        new_inputs=lambda _: {"private_subnet_cidr": "10.11.2.0/24"},
    ),
    "kubernetes": Example(
        "cloudify-kubernetes-plugin/examples",
        "test-deployment.yaml",
        ("cloudify-kubernetes-plugin",),
        "deployment",
        lambda outside: {"kubernetes_master": outside.cluster.url},
        change=("nginx:1.7.9", "nginx:1.25"),
    ),
}


@pytest.fixture(scope="module")
def outside(aws: Aws, sshd: Sshd, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    outside = Outside(aws, sshd)
    with ExitStack() as servers:
        servers.enter_context(serving(outside.cluster))
        certificate = self_signed(tmp_path_factory.mktemp("rest"))
        servers.enter_context(serving(outside.users, (REST_HOST, 443), certificate))
        yield outside


@pytest.mark.parametrize("id", ALL)
def test_the_life_of(id: str, site: Site, outside: Outside, tmp_path: Path) -> None:
    example = ALL[id]
    for plugin in example.plugins:
        site.plugin(plugin)
    for key in ("aws_access_key_id", "aws_secret_access_key", "aws_session_token", "kubernetes_token"):
        site.secret(key, "test")
    site.secret("agent_key_private", outside.sshd.private_key)
    folder = copied(SOURCES / example.folder, tmp_path)
    deployment = site.deploy(id, folder, example.inputs(outside), example.main)
    node, count = example.scaled, example.instances

    deployment.run("install")
    assert len(deployment.instances(node)) == count
    deployment.run("scale", scalable_entity_name=node, delta=1)
    assert len(deployment.instances(node)) == count + 1
    deployment.run("scale", scalable_entity_name=node, delta=-1)
    assert len(deployment.instances(node)) == count
    deployment.run("heal", node_instance_id=deployment.ids(node)[0])
    assert len(deployment.instances(node)) == count
    _update(site, deployment, example, outside, folder)
    assert len(deployment.instances(node)) == count
    deployment.run("uninstall")
    assert deployment.instances(node) == []
    deployment.delete()


def _update(site: Site, deployment: Deployment, example: Example, outside: Outside, folder: Path) -> None:
    if example.change is None:
        deployment.update(inputs=example.new_inputs(outside))
        return
    main = folder / example.main
    before = main.read_text()
    assert example.change[0] in before
    main.write_text(before.replace(*example.change))
    site.upload(f"{deployment.id}-changed", folder, example.main)
    deployment.update(blueprint_id=f"{deployment.id}-changed")
