"""Operations that are meant for a host do not run on the manager."""

from __future__ import annotations

from typing import Any

import pytest

from cloudwright.manager.executors import NoAgent, check_executor
from cloudwright.model.executors import AUTO, CENTRAL, HOST_AGENT, resolve
from cloudwright.model.topology import NodeInstance

INSTANCES = {
    "app_1": NodeInstance("app_1", "app", "d", host_id="host_1"),
    "db_1": NodeInstance("db_1", "db", "d", host_id="host_2"),
    "net_1": NodeInstance("net_1", "net", "d"),
}
RELATIONSHIP = {"source": "app_1", "target": "db_1", "relationship": 0}


@pytest.mark.parametrize(
    ("executor", "host", "expected"),
    [
        (AUTO, "host", HOST_AGENT),
        (AUTO, None, CENTRAL),
        (HOST_AGENT, "host", HOST_AGENT),
        (CENTRAL, "host", CENTRAL),
        (None, "host", CENTRAL),
    ],
)
def test_a_script_without_an_executor_runs_on_its_host(
    executor: str | None, host: str | None, expected: str
) -> None:
    assert resolve(executor, host) == expected


@pytest.mark.parametrize(
    ("about", "host"),
    [
        ({"instance": "app_1"}, "host_1"),
        ({**RELATIONSHIP, "side": "source"}, "host_1"),
        ({**RELATIONSHIP, "side": "target"}, "host_2"),
    ],
)
def test_an_operation_of_a_host_is_refused_with_the_host_and_what_to_do(
    about: dict[str, Any], host: str
) -> None:
    with pytest.raises(NoAgent, match=f"`{host}`.*Set `executor: central_deployment_agent`"):
        check_executor({"name": "act", "executor": HOST_AGENT, **about}, INSTANCES)


def test_an_operation_of_no_host_is_refused_too() -> None:
    with pytest.raises(NoAgent, match="is on none"):
        check_executor({"name": "act", "executor": HOST_AGENT, "instance": "net_1"}, INSTANCES)


def test_an_executor_that_nobody_knows_is_refused() -> None:
    with pytest.raises(NoAgent, match="`mars`"):
        check_executor({"name": "act", "executor": "mars", "instance": "app_1"}, INSTANCES)


def test_an_operation_of_the_manager_may_run() -> None:
    check_executor({"name": "act", "executor": CENTRAL, "instance": "app_1"}, INSTANCES)
