"""`cfy`: the tree of commands."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NoReturn

import click

from cloudwright import __version__
from cloudwright.cli import options
from cloudwright.cli.command_errors import CommandLine
from cloudwright.cli.lazy import LazyGroup, lazy
from cloudwright.cli.selection import overlay, select
from cloudwright.cli.session import Session
from cloudwright.client.errors import ClientError

if TYPE_CHECKING:
    from cloudwright.cli import local_manager
    from cloudwright.client import api
else:
    api = lazy("cloudwright.client.api")
    local_manager = lazy("cloudwright.cli.local_manager")

NOUNS = {
    "agents": ("cloudwright.cli.agents:agents", "Enroll, list and delete the agents of hosts."),
    "apply": (
        "cloudwright.cli.apply:apply",
        "Make a deployment what its blueprint says: install it, update it, or do nothing.",
    ),
    "auditlog": ("cloudwright.cli.auditlog:auditlog", "Show who changed what, when and from where."),
    "blueprints": ("cloudwright.cli.blueprints:blueprints", "Upload, check and look at blueprints."),
    "console": (
        "cloudwright.cli.console:console",
        "Open the web console in a browser, signed in as the user of the command line.",
    ),
    "config": ("cloudwright.cli.manager_config:config", "Show and change the manager's configuration."),
    "deployments": (
        "cloudwright.cli.deployments:deployments",
        "Create, change, delete and look at deployments.",
    ),
    "events": ("cloudwright.cli.events:events", "Show what happened in executions."),
    "executions": (
        "cloudwright.cli.executions:executions",
        "Start, follow, cancel and resume executions of workflows.",
    ),
    "hooks": (
        "cloudwright.cli.hooks:hooks",
        "Post webhooks or start workflows when something happens in executions.",
    ),
    "init": (
        "cloudwright.cli.no_local_mode:init",
        "Say why there is nothing to initialize: commands start a manager by themselves.",
    ),
    "install": (
        "cloudwright.cli.install:install",
        "Upload a blueprint, create a deployment of it and install that.",
    ),
    "logs": ("cloudwright.cli.logs:logs", "Show the log of the manager of this machine."),
    "maintenance-mode": (
        "cloudwright.cli.maintenance_mode:maintenance_mode",
        "Keep executions from beginning, for work on the manager.",
    ),
    "node-instances": (
        "cloudwright.cli.node_instances:node_instances",
        "Look at the node instances of deployments.",
    ),
    "nodes": ("cloudwright.cli.nodes:nodes", "Look at the nodes of deployments."),
    "permissions": (
        "cloudwright.cli.permissions:permissions",
        "Show which roles have which permissions.",
    ),
    "plugins": ("cloudwright.cli.plugins:plugins", "Upload, list and delete plugins."),
    "profiles": (
        "cloudwright.cli.profiles:profiles",
        "Choose the manager that the commands speak to, and as whom.",
    ),
    "secrets": (
        "cloudwright.cli.secrets:secrets",
        "Create, change and show secrets: values that blueprints read with `get_secret`.",
    ),
    "sites": (
        "cloudwright.cli.sites:sites",
        "Create, change and list sites: places that deployments belong to.",
    ),
    "snapshots": (
        "cloudwright.cli.snapshots:snapshots",
        "Make snapshots of all data of the manager, and restore them.",
    ),
    "status": (
        "cloudwright.cli.status:status",
        "Show where the manager is and whether it and its parts are well.",
    ),
    "tenants": (
        "cloudwright.cli.tenants:tenants",
        "Create and delete tenants, and say who has which role in them.",
    ),
    "tokens": ("cloudwright.cli.tokens:tokens", "Make, list and delete tokens for programs."),
    "uninstall": (
        "cloudwright.cli.uninstall:uninstall",
        "Uninstall a deployment, delete it, and delete its blueprint if no other deployment uses it.",
    ),
    "user-groups": (
        "cloudwright.cli.user_groups:user_groups",
        "Create, change and delete groups of users, who have the group's roles.",
    ),
    "users": ("cloudwright.cli.users:users", "Create, change and delete users of the manager."),
    "workflows": ("cloudwright.cli.workflows:workflows", "Look at the workflows of deployments."),
}


class NounCommandLine(CommandLine, LazyGroup):
    pass


def _print_version(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    if not value or ctx.resilient_parsing:
        return
    click.echo(f"cfy (Cloudwright) {__version__}")
    session = ctx.ensure_object(Session)
    manager = _manager_version(session)
    if manager:
        click.echo(manager)
    ctx.exit()


def _manager_version(session: Session) -> str:
    """Return the version of the manager in use, if it runs: none is started for this."""
    selection = select(session.home, os.environ)
    target = selection.target
    if target is None:
        local = local_manager.LocalManager(session.home, announce=session.out.remark).running()
        if local is None:
            return ""
        target = overlay(local, os.environ, None)
    try:
        with api.Client(target) as client:
            return f"manager {client.version()['version']} at {target.url}"
    except ClientError as error:
        return f"manager: {error}"


@click.group(
    cls=NounCommandLine,
    name="cfy",
    members=NOUNS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version of this command and of the manager, and exit.",
)
@options.standard
@options.extended
def cfy() -> None:
    """Deploy applications from blueprints, and run workflows on them.

    The commands speak to one manager: that of the active profile (`cfy profiles use`), or of CLOUDWRIGHT_URL,
    or else the manager of this machine, which is started in the background if it does not run.

    Exit codes: 0 it is done, 1 it failed, 2 usage error, 130 it was interrupted.
    """


def main() -> NoReturn:
    cfy.main()


if __name__ == "__main__":
    main()
