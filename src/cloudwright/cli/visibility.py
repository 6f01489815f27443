"""The commands `set-visibility`, `set-global` and `set-owner` of blueprints, plugins and deployments."""

from __future__ import annotations

import click

from cloudwright.cli import options
from cloudwright.cli.session import Session, pass_session

_wider = click.option(
    "-l",
    "--visibility",
    type=click.Choice(["tenant", "global"]),
    required=True,
    help="Who may see it: all users of its tenant, or all users of all tenants.",
)


def _set(session: Session, noun: str, id: str, visibility: str) -> None:
    session.client.set_visibility(f"{noun}s", id, visibility)
    session.out.say(f"The visibility of {noun} `{id}` is {visibility}.")


def add_visibility_commands(group: click.Group, noun: str, *, with_set_global: bool = True) -> None:
    """Add them to the commands of a noun, such as ``blueprint``."""

    @group.command("set-visibility", help=f"Let more users see a {noun}.")
    @click.argument("identifier", metavar=f"{noun.upper()}_ID")
    @_wider
    @options.standard
    @pass_session
    def set_visibility(session: Session, identifier: str, visibility: str) -> None:
        _set(session, noun, identifier, visibility)

    @group.command("set-owner", help=f"Give a {noun} to another user.")
    @click.argument("identifier", metavar=f"{noun.upper()}_ID")
    @click.option("-s", "--username", metavar="NAME", required=True, help="The user whose it is from now on.")
    @options.standard
    @pass_session
    def set_owner(session: Session, identifier: str, username: str) -> None:
        session.client.set_owner(f"{noun}s", identifier, username)
        session.out.say(f"The {noun} `{identifier}` is user `{username}`'s now.")

    if not with_set_global:
        return

    @group.command("set-global", help=f"Let the users of all tenants see a {noun}.")
    @click.argument("identifier", metavar=f"{noun.upper()}_ID")
    @options.standard
    @pass_session
    def set_global(session: Session, identifier: str) -> None:
        _set(session, noun, identifier, "global")
