"""`cfy agents`: the agents of hosts."""

from __future__ import annotations

import shlex

import click

from cloudwright.cli import options
from cloudwright.cli.formatting import columns
from cloudwright.cli.lazy import SuggestingGroup
from cloudwright.cli.session import Session, pass_session
from cloudwright.cli.start_execution import FollowOptions, Run, follow_to_end, start
from cloudwright.client.records import Slice

LIST_COLUMNS = columns(
    "id",
    "deployment",
    "node?",
    "connection=state",
    "state_since=since",
    "ip",
    "system?",
    "version?",
    "install_method?",
)
GET_COLUMNS = columns(
    "id",
    "host_id=host",
    "node",
    "deployment",
    "connection=state",
    "state_since=since",
    "ip",
    "system",
    "version",
    "install_method=install method",
    "operations",
    "tenant_name=tenant",
)


@click.group(cls=SuggestingGroup)
@options.shared
def agents() -> None:
    """Enroll, list and delete the agents of hosts."""


@agents.command("list")
@options.deployment(required=False, help="Show agents of this deployment only.")
@options.sliced(sort="id")
@options.standard
@options.extended
@pass_session
def list_agents(session: Session, deployment_id: str | None, part: Slice) -> None:
    """List agents, and since when each is connected or unreachable."""
    page = session.client.agents.list(part, deployment_id=deployment_id)
    where = f" of deployment `{deployment_id}`" if deployment_id else ""
    session.out.records(page.items, LIST_COLUMNS, noun="agents", total=page.total, where=where)


def _start(
    session: Session, workflow: str, deployment_id: str, node_instance_ids: tuple[str, ...], timeout: int
) -> None:
    chosen = {"node_instance_ids": list(node_instance_ids)} if node_instance_ids else {}
    execution = start(session, Run(workflow, deployment_id, chosen))
    follow_to_end(session, execution, FollowOptions(timeout, include_logs=True, json_output=False))


_hosts = click.option(
    "--node-instance-id",
    "node_instance_ids",
    metavar="ID",
    multiple=True,
    help="A host; all of the deployment if it is not given.",
)
_timeout = click.option(
    "--timeout", metavar="SECONDS", type=click.IntRange(1), default=900, help="Follow it for so long: 900."
)


@agents.command("validate")
@options.deployment(required=True, help="The deployment.")
@_hosts
@_timeout
@options.standard
@pass_session
def validate(session: Session, deployment_id: str, node_instance_ids: tuple[str, ...], timeout: int) -> None:
    """Check that the agents of a deployment's hosts are connected: the workflow `validate_agents`."""
    _start(session, "validate_agents", deployment_id, node_instance_ids, timeout)


@agents.command("install")
@options.deployment(required=True, help="The deployment.")
@_hosts
@_timeout
@options.standard
@pass_session
def install(session: Session, deployment_id: str, node_instance_ids: tuple[str, ...], timeout: int) -> None:
    """Wait for new agents of a deployment's hosts: the workflow `install_new_agents`.

    Agents are started by hand: `cfy agents enroll` shows how.
    """
    _start(session, "install_new_agents", deployment_id, node_instance_ids, timeout)


@agents.command("get")
@click.argument("agent")
@options.standard
@options.extended
@pass_session
def get(session: Session, agent: str) -> None:
    """Show an agent, and which operations run on it."""
    with session.finding("agent", agent):
        found = session.client.agents.get(agent)
    session.out.record(found, GET_COLUMNS)


@agents.command("enroll")
@click.argument("host")
@options.standard
@pass_session
def enroll(session: Session, host: str) -> None:
    """Make a token for the agent of a host, and show how to start it.

    HOST is the node instance of the host: see `cfy node-instances list`. A token that it had before is void.
    """
    with session.finding("node instance", host):
        found = session.client.agents.enroll(host)
    if session.out.as_json:
        session.out.record(found, columns("id", "token"))
        return
    url = session.client.target.url
    session.out.say(f"On the host of `{host}`, run:")
    click.echo(
        f"  CLOUDWRIGHT_AGENT_TOKEN={shlex.quote(found['token'])} \\\n"
        f"    cloudwright agent --manager {shlex.quote(url)} --home ~/.cloudwright-agent/{found['id']}"
    )


@agents.command("delete")
@click.argument("agent")
@click.option(
    "-f", "--force", is_flag=True, help="Its machine is gone: operations that run on it are recorded as lost."
)
@options.standard
@pass_session
def delete(session: Session, agent: str, force: bool) -> None:
    """Delete an agent, and order it to stop. Refused while operations run on it."""
    with session.finding("agent", agent):
        session.client.agents.delete(agent, force=force)
    session.out.say(f"Agent `{agent}` is deleted.")
