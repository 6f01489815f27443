"""`cfy tenants`: what separates the resources of users from those of others."""

from __future__ import annotations

import click

from cloudwright.cli import options
from cloudwright.cli.formatting import columns
from cloudwright.cli.lazy import SuggestingGroup
from cloudwright.cli.session import Session, pass_session
from cloudwright.cli.users import get_data, shown
from cloudwright.client.records import Slice

COLUMNS = columns("name", "groups", "users", "created_at")
_tenant = click.option("-t", "--tenant-name", metavar="NAME", required=True, help="The tenant.")
_role = click.option(
    "-r", "--role", type=click.Choice(options.TENANT_ROLES), required=True, help="The role in the tenant."
)


@click.group(cls=SuggestingGroup)
@options.shared
def tenants() -> None:
    """Create and delete tenants, and say who has which role in them."""


@tenants.command("list")
@options.account_slice("name")
@get_data
@options.extended
@options.shared
@pass_session
def list_tenants(session: Session, part: Slice, get_data: bool) -> None:
    """List the tenants that you may use."""
    page = session.client.tenants.list(part, get_data=get_data)
    session.out.records(
        [shown(session, row) for row in page.items], COLUMNS, noun="tenants", total=page.total
    )


@tenants.command("create")
@click.argument("tenant_name")
@options.shared
@pass_session
def create(session: Session, tenant_name: str) -> None:
    """Create a tenant."""
    tenant = session.client.tenants.create(tenant_name)
    session.out.say(f"Tenant `{tenant_name}` is created.")
    if session.out.as_json:
        session.out.json(tenant)


@tenants.command("get")
@click.argument("tenant_name")
@get_data
@options.extended
@options.shared
@pass_session
def get(session: Session, tenant_name: str, get_data: bool) -> None:
    """Show a tenant."""
    tenant = session.client.tenants.details(tenant_name, get_data=get_data)
    session.out.record(shown(session, tenant), COLUMNS)


@tenants.command("delete")
@click.argument("tenant_name")
@options.shared
@pass_session
def delete(session: Session, tenant_name: str) -> None:
    """Delete a tenant in which nothing is left, with the history of its executions."""
    session.client.tenants.delete(tenant_name)
    session.out.say(f"Tenant `{tenant_name}` is deleted.")


@tenants.command("add-user")
@click.argument("username")
@_role
@_tenant
@options.shared
@pass_session
def add_user(session: Session, username: str, tenant_name: str, role: str) -> None:
    """Add a user to a tenant."""
    session.client.tenants.add_user(username, tenant_name, role)
    session.out.say(f"User `{username}` has the role `{role}` in tenant `{tenant_name}`.")


@tenants.command("update-user")
@click.argument("username")
@_role
@_tenant
@options.shared
@pass_session
def update_user(session: Session, username: str, tenant_name: str, role: str) -> None:
    """Give a user another role in a tenant."""
    session.client.tenants.update_user(username, tenant_name, role)
    session.out.say(f"User `{username}` has the role `{role}` in tenant `{tenant_name}`.")


@tenants.command("remove-user")
@click.argument("username")
@_tenant
@options.shared
@pass_session
def remove_user(session: Session, username: str, tenant_name: str) -> None:
    """Remove a user from a tenant; what they created stays."""
    session.client.tenants.remove_user(username, tenant_name)
    session.out.say(f"User `{username}` is removed from tenant `{tenant_name}`.")


@tenants.command("add-user-group")
@click.argument("user_group_name")
@_role
@_tenant
@options.shared
@pass_session
def add_group(session: Session, user_group_name: str, tenant_name: str, role: str) -> None:
    """Add a user group to a tenant, with a role that its members have there."""
    session.client.tenants.add_user_group(user_group_name, tenant_name, role)
    session.out.say(f"User group `{user_group_name}` has the role `{role}` in tenant `{tenant_name}`.")


@tenants.command("update-user-group")
@click.argument("user_group_name")
@_role
@_tenant
@options.shared
@pass_session
def update_group(session: Session, user_group_name: str, tenant_name: str, role: str) -> None:
    """Give a user group another role in a tenant."""
    session.client.tenants.update_user_group(user_group_name, tenant_name, role)
    session.out.say(f"User group `{user_group_name}` has the role `{role}` in tenant `{tenant_name}`.")


@tenants.command("remove-user-group")
@click.argument("user_group_name")
@_tenant
@options.shared
@pass_session
def remove_group(session: Session, user_group_name: str, tenant_name: str) -> None:
    """Remove a user group from a tenant."""
    session.client.tenants.remove_user_group(user_group_name, tenant_name)
    session.out.say(f"User group `{user_group_name}` is removed from tenant `{tenant_name}`.")
