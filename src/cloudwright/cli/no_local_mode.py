"""`cfy init` of Cloudify, which has no counterpart here."""

from __future__ import annotations

import click

from cloudwright.cli import options
from cloudwright.cli.failure import Failure
from cloudwright.cli.session import Session, pass_session


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1)
@options.shared
@pass_session
def init(session: Session, arguments: tuple[str, ...]) -> None:
    """Say why there is nothing to initialize: commands start a manager by themselves.

    In Cloudify this prepares a local profile, in which blueprints run without a manager.
    """
    raise Failure(
        "There is nothing to initialize: there is no local mode, and the first command starts a manager.",
        "`cfy install BLUEPRINT_PATH` runs a blueprint on this machine.\n"
        "`cloudwright init FOLDER` makes a new project.",
    )
