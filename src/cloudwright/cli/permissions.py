"""`cfy permissions`: what the roles may do."""

from __future__ import annotations

import click

from cloudwright.cli import options
from cloudwright.cli.failure import Failure
from cloudwright.cli.formatting import columns
from cloudwright.cli.lazy import SuggestingGroup
from cloudwright.cli.session import Session, pass_session

COLUMNS = columns("permission", "roles")
_FIXED = "What a role may do is fixed."


@click.group(cls=SuggestingGroup)
@options.shared
def permissions() -> None:
    """Show which roles have which permissions."""


@permissions.command("list")
@click.option("--role", metavar="NAME", help="Show the permissions of this role.")
@options.extended
@options.shared
@pass_session
def list_permissions(session: Session, role: str | None) -> None:
    """List permissions, with the roles that have each."""
    found: dict[str, list[str]] = {}
    for row in session.client.permissions.list(role):
        found.setdefault(row["permission"], []).append(row["role"])
    rows = [{"permission": name, "roles": roles} for name, roles in found.items()]
    session.out.records(rows, COLUMNS, noun="permissions", total=len(rows))


@permissions.command("allow")
@click.option("--role", metavar="NAME", help="A role.")
@click.option("--permission", metavar="NAME", help="A permission.")
@options.shared
def allow(role: str | None, permission: str | None) -> None:
    """Refused: what a role may do is fixed."""
    raise Failure(_FIXED, "Give the user another role: `cfy tenants update-user`.")


@permissions.command("disallow")
@click.option("--role", metavar="NAME", help="A role.")
@click.option("--permission", metavar="NAME", help="A permission.")
@options.shared
def disallow(role: str | None, permission: str | None) -> None:
    """Refused: what a role may do is fixed."""
    raise Failure(_FIXED, "Give the user another role: `cfy tenants update-user`.")
