"""The client that plugins find makes the requests that Cloudify's own client makes, method by method."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from starlette.routing import Route

from cloudwright.api.app import all_routes
from cloudwright.api.middleware import PREFIX
from cloudwright.compat.cloudify_rest_client.client import _RESOURCES

SCRIPT = Path(__file__).with_name("client_requests.py")
CLOUDIFY_PYTHON = Path(__file__).parents[2] / ".peers" / "cloudify" / "bin" / "python"
# The log is read by another kind of client there, and `resources` moves files in other steps.
COMPARED = sorted(set(_RESOURCES) - {"auditlog", "resources"})
# Ours names the parameters that Cloudify's takes by keyword.
NAMED = {"executions.list", "executions.start", "node_instances.list", "nodes.list"}
# Ours serves what Cloudify's fails at: without `since`, with `since` as text, and without arguments.
SERVED = {("execution_schedules.create", "least"), ("execution_schedules.update", "all")}
SERVED |= {("executions.start", "least")}


# What this version does not have yet.
NOT_HERE = {"cluster_status", "plugins_update"}


def requests(python: str | Path, whose: str) -> dict[str, Any]:
    ran = subprocess.run(
        [str(python), "-W", "ignore", str(SCRIPT), whose, *COMPARED],
        stdout=subprocess.PIPE,
        timeout=100,
        check=True,
    )
    made: dict[str, Any] = json.loads(ran.stdout)
    return made


@pytest.fixture(scope="module")
def ours() -> dict[str, Any]:
    return requests(sys.executable, "ours")


@pytest.fixture(scope="module")
def theirs() -> dict[str, Any]:
    return requests(CLOUDIFY_PYTHON, "theirs")


def test_every_method_is_there(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    assert len(theirs) > 200
    assert ours.keys() == theirs.keys()


def test_its_parameters_have_the_same_names_order_and_defaults(
    ours: dict[str, Any], theirs: dict[str, Any]
) -> None:
    for name, method in theirs.items():
        if name not in NAMED:
            assert (name, ours[name]["parameters"]) == (name, method["parameters"])


@pytest.mark.parametrize("which", ["least", "all"])
def test_it_makes_the_same_request(which: str, ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    for name, method in theirs.items():
        if (name, which) not in SERVED:
            assert (name, ours[name][which]) == (name, method[which])


def test_every_request_has_a_route(theirs: dict[str, Any]) -> None:
    routes = [route for route in all_routes() if isinstance(route, Route)]
    missing = {
        name
        for name, method in theirs.items()
        for which in ("least", "all")
        for verb, path, *_ in method[which].get("requests", ())
        if not any(
            verb in (route.methods or ()) and route.path_regex.match(PREFIX + path) for route in routes
        )
    }
    assert sorted(name for name in missing if name.partition(".")[0] not in NOT_HERE) == []
