"""Operations on the agent of a host: run there, stopped there, and told of truthfully."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from agent_process import AgentProcess
from agent_site import Site, running_site
from manager_process import alive, await_death

from cloudwright.client.errors import BadRequest, IllegalAction


@pytest.fixture(scope="module")
def only_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running_site(tmp_path_factory.mktemp("agents")) as running:
        yield running


@pytest.fixture
def site(only_site: Site) -> Site:
    """The site with an agent that is connected."""
    return only_site.ready()


def test_operations_run_on_the_host_and_their_results_arrive(site: Site) -> None:
    id = site.run("script", word="there")
    assert site.manager.end(id)["status"] == "terminated"
    ran = site.operation(id)
    assert (ran["state"], ran["result"]) == ("succeeded", "of the blueprint")
    assert f"started on {site.agent.name}" in site.manager.story(id)
    assert "info: said there" in site.manager.story(id)
    [app] = site.manager.client.node_instances.list(deployment_id="d", node_id="app").items
    assert app["runtime_properties"]["where"].startswith(str(site.agent.home))
    id = site.run("act", name="code")
    assert site.manager.end(id)["status"] == "terminated"
    [app] = site.manager.client.node_instances.list(deployment_id="d", node_id="app").items
    assert app["runtime_properties"]["acted"] == "code"


def test_a_standard_and_a_forced_cancel_leave_it_running_and_a_kill_ends_it_there(site: Site) -> None:
    id = site.run("act", name="long", seconds=600)
    pid, grandchild = site.started("long")
    site.manager.cancel(id)
    end = site.manager.end(id)
    assert (end["status"], end["residual_operations"]) == ("cancelled", 1)
    site.manager.await_logged("asked", "long")
    assert alive(pid)
    site.manager.cancel(id, "kill")
    await_death(pid)
    await_death(grandchild)
    assert site.await_operation(id, "failed")["residual"] is False

    id = site.run("act", name="forced", seconds=600)
    pid, grandchild = site.started("forced")
    site.manager.cancel(id, "force-cancel")
    end = site.manager.end(id)
    assert (end["status"], end["residual_operations"], end["error"]) == ("cancelled", 1, None)
    assert alive(pid)
    with pytest.raises(IllegalAction, match="operations run on it"):
        site.manager.client.agents.delete(site.agent.name)
    site.manager.cancel(id, "kill")
    await_death(grandchild)
    site.await_operation(id, "failed")


def test_a_kill_while_the_connection_is_cut_is_named_and_carried_out_on_return(site: Site) -> None:
    id = site.run("act", name="cut", seconds=600)
    pid, grandchild = site.started("cut")
    site.manager.event(id, "task_started")
    site.proxy.cut()
    site.manager.cancel(id, "kill")
    end = site.manager.end(id)
    assert end["status"] == "cancelled"
    assert site.agent.name in end["error"]
    assert "unreachable" in end["error"]
    assert site.state() == "unreachable"
    assert alive(pid)
    assert alive(grandchild)
    assert site.operation(id)["residual"] is True
    site.proxy.mend()
    await_death(pid, 40)
    await_death(grandchild)
    site.await_operation(id, "failed")
    site.await_state("connected")


def test_a_silent_connection_is_seen_and_the_result_arrives_later(site: Site) -> None:
    id = site.run("act", name="silent", seconds=8)
    site.started("silent")
    site.proxy.silence()
    site.manager.event(id, "agent_unreachable")
    site.await_state("unreachable")
    site.manager.await_logged("end", "silent")
    assert site.operation(id)["state"] == "started"
    site.proxy.mend()
    assert site.manager.end(id)["status"] == "terminated"
    assert site.operation(id)["result"] == "silent"
    assert len(site.manager.logged("start", "silent")) == 1


def test_a_new_life_ends_what_the_last_one_left_before_it_is_run_again(site: Site) -> None:
    id = site.run("act", name="again", seconds=4)
    pid, grandchild = site.started("again")
    site.agent.kill9()
    await_death(pid)
    assert alive(grandchild)
    site.agent.start()
    assert site.manager.end(id)["status"] == "terminated"
    assert not alive(grandchild)
    assert len(site.manager.logged("start", "again")) == 2
    assert "was lost" in site.manager.story(id)


def test_what_may_not_be_run_again_fails_when_its_agent_died(site: Site) -> None:
    id = site.run("once", name="single", seconds=600)
    _, grandchild = site.started("single")
    site.agent.kill9()
    site.agent.start()
    end = site.manager.end(id)
    assert end["status"] == "failed"
    assert not alive(grandchild)
    assert len(site.manager.logged("start", "single")) == 1


def test_a_manager_that_dies_finds_again_what_runs_on_agents(site: Site) -> None:
    id = site.run("act", name="kept", seconds=6)
    site.started("kept")
    site.manager.kill9()
    site.manager.restart()
    site.proxy.to(urlsplit(site.manager.client.target.url).port or 0)
    assert site.manager.end(id)["status"] == "terminated"
    assert site.operation(id)["result"] == "kept"
    assert len(site.manager.logged("start", "kept")) == 1


def test_an_operation_waits_for_an_agent_that_is_away_and_can_be_cancelled(site: Site) -> None:
    site.agent.stop()
    site.await_state("stopped")
    id = site.run("act", name="waiting")
    assert site.agent.name in site.manager.event(id, "waiting_for_agent")["message"]
    site.manager.cancel(id)
    assert site.manager.end(id)["status"] == "cancelled"
    id = site.run("act", name="later")
    site.manager.event(id, "waiting_for_agent")
    site.agent.start()
    assert site.manager.end(id)["status"] == "terminated"
    assert site.manager.logged("start", "waiting") == []


def test_an_agent_that_is_deleted_ends(site: Site) -> None:
    site.manager.client.agents.delete(site.agent.name)
    assert site.agent.process is not None
    assert site.agent.process.wait(30) == 76
    id = site.run("act", name="nowhere")
    assert site.manager.end(id)["status"] == "failed"
    assert "which has none" in site.manager.story(id)


def test_an_agent_goes_with_its_deployment_and_ends_what_it_runs(site: Site) -> None:
    client, log = site.manager.client, str(site.manager.event_log)
    client.deployments.create("gone", blueprint_id="hosted", inputs={"event_log": log})
    [host] = client.node_instances.list(deployment_id="gone", node_id="host").items
    agent = AgentProcess(site.agent.home.with_name("gone"), client, host["id"], site.proxy.port)
    agent.start()
    try:
        parameters: dict[str, Any] = {"operation": "do.act", "node_ids": ["app"]}
        parameters["allow_kwargs_override"] = True
        id = site.manager.run(
            "execute_operation", "gone", operation_kwargs={"name": "gone", "seconds": 600}, **parameters
        )
        pid, grandchild = site.started("gone")
        site.manager.cancel(id, "force-cancel")
        site.manager.end(id)
        client.deployments.delete("gone", force=True)
        await_death(pid)
        await_death(grandchild)
        assert agent.process is not None
        assert agent.process.wait(30) == 76
        assert agent.name not in {one["id"] for one in client.agents.list().items}
        agent.start("deleted")
        assert agent.process.wait(30) == 76
    finally:
        agent.stop()


def test_only_a_host_that_may_have_an_agent_gets_one(site: Site) -> None:
    [app] = site.manager.client.node_instances.list(deployment_id="d", node_id="app").items
    with pytest.raises(BadRequest, match="is not a host"):
        site.manager.client.agents.enroll(app["id"])


def test_a_kill_that_could_not_be_delivered_outlives_the_manager(site: Site) -> None:
    id = site.run("act", name="outlives", seconds=600)
    pid, grandchild = site.started("outlives")
    site.manager.event(id, "task_started")
    site.proxy.cut()
    site.manager.cancel(id, "kill")
    assert site.agent.name in site.manager.end(id)["error"]
    site.manager.kill9()
    site.manager.restart()
    assert alive(pid)
    site.proxy.to(urlsplit(site.manager.client.target.url).port or 0)
    site.proxy.mend()
    await_death(pid, 40)
    await_death(grandchild)
    site.await_operation(id, "failed")
