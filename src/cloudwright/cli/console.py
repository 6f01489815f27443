"""`cfy console`: the web console, opened signed in."""

from __future__ import annotations

import os
import sys
import webbrowser
from collections.abc import Mapping

import click

from cloudwright.cli import options
from cloudwright.cli.session import Session, pass_session


@click.command()
@click.option("--print", "only_print", is_flag=True, help="Print the link, and open no browser.")
@options.standard
@pass_session
def console(session: Session, only_print: bool) -> None:
    """Open the web console in a browser, signed in as the user of the command line.

    The link works once, within two minutes. It is printed if there is no browser to open it.
    """
    client = session.client
    link = client.console_links.create()
    address = f"{client.target.url.rstrip('/')}{link['path']}"
    if session.out.as_json:
        session.out.json({"url": address, "expires_at": link["expires_at"]})
        return
    if not only_print and has_display(os.environ, sys.platform) and webbrowser.open(address):
        session.out.say(f"The console of {client.target.url} is opened in your browser.")
        return
    # Only the link, so that a script can take it.
    session.out.line(address)
    session.out.remark("The link opens the console once, within two minutes.")


def has_display(environ: Mapping[str, str], platform: str) -> bool:
    """Return whether a browser would open in a window: one in this terminal would take it over."""
    if platform == "darwin":
        return "SSH_CONNECTION" not in environ
    return bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY") or environ.get("BROWSER"))
