"""`cfy sites`: places that deployments belong to."""

from __future__ import annotations

import click

from cloudwright.cli import options
from cloudwright.cli.formatting import columns
from cloudwright.cli.lazy import SuggestingGroup
from cloudwright.cli.session import Session, pass_session
from cloudwright.client.records import Slice

COLUMNS = columns("name", "location", "visibility", "tenant_name=tenant?", "created_at?", "created_by?")

_location = click.option(
    "--location",
    metavar="LATITUDE,LONGITUDE",
    help="Where it is, in degrees: `32.166369,34.810893`.",
)


@click.group(cls=SuggestingGroup)
@options.shared
def sites() -> None:
    """Create, change and list sites: places that deployments belong to."""


@sites.command("create")
@click.argument("name")
@_location
@options.visibility
@options.standard
@pass_session
def create(session: Session, name: str, location: str | None, visibility: str) -> None:
    """Create a site."""
    site = session.client.sites.create(name, location=location, visibility=visibility)
    session.out.say(f"Site `{name}` is created.")
    if session.out.as_json:
        session.out.json(site)


@sites.command("get")
@click.argument("name")
@options.standard
@options.extended
@pass_session
def get(session: Session, name: str) -> None:
    """Show a site."""
    session.out.record(session.client.sites.get(name), COLUMNS)


@sites.command("list")
@options.sliced(sort="name")
@options.standard
@options.extended
@pass_session
def list_sites(session: Session, part: Slice) -> None:
    """List sites."""
    page = session.client.sites.list(part)
    session.out.records(page.items, COLUMNS, noun="sites", total=page.total)


@sites.command("update")
@click.argument("name")
@_location
@click.option(
    "-l",
    "--visibility",
    type=click.Choice(["private", "tenant", "global"]),
    help="Who may see it: its owner, all users of its tenant, or all users.",
)
@click.option("-n", "--new-name", metavar="NAME", help="Its new name; its deployments follow.")
@options.standard
@pass_session
def update(
    session: Session, name: str, location: str | None, visibility: str | None, new_name: str | None
) -> None:
    """Change a site. An empty location removes it."""
    if location is None and visibility is None and new_name is None:
        raise click.UsageError("Give what to change: --location, --visibility or --new-name.")
    site = session.client.sites.update(name, location=location, visibility=visibility, new_name=new_name)
    session.out.say(f"Site `{new_name or name}` is changed.")
    if session.out.as_json:
        session.out.json(site)


@sites.command("delete")
@click.argument("name")
@options.standard
@pass_session
def delete(session: Session, name: str) -> None:
    """Delete a site. Its deployments belong to no site then."""
    session.client.sites.delete(name)
    session.out.say(f"Site `{name}` is deleted.")
