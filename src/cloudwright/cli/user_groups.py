"""`cfy user-groups`: users who have roles together."""

from __future__ import annotations

import click

from cloudwright.cli import options
from cloudwright.cli.formatting import columns
from cloudwright.cli.lazy import SuggestingGroup
from cloudwright.cli.session import Session, pass_session
from cloudwright.cli.users import get_data, security_role, shown
from cloudwright.client.records import Slice

COLUMNS = columns("name", "role=system role", "tenants", "users", "ldap_dn=ldap name?")
_group = click.option("-g", "--group-name", metavar="NAME", required=True, help="The user group.")


@click.group("user-groups", cls=SuggestingGroup)
@options.shared
def user_groups() -> None:
    """Create, change and delete groups of users, who have the group's roles."""


@user_groups.command("list")
@options.account_slice("name")
@get_data
@options.extended
@options.shared
@pass_session
def list_groups(session: Session, part: Slice, get_data: bool) -> None:
    """List user groups."""
    page = session.client.user_groups.list(part, get_data=get_data)
    session.out.records(
        [shown(session, row) for row in page.items], COLUMNS, noun="user groups", total=page.total
    )


@user_groups.command("create")
@click.argument("user_group_name")
@security_role
@click.option("-l", "--ldap-distinguished-name", metavar="DN", help="The group's name in a directory.")
@options.shared
@pass_session
def create(
    session: Session, user_group_name: str, security_role: str, ldap_distinguished_name: str | None
) -> None:
    """Create a user group."""
    group = session.client.user_groups.create(user_group_name, security_role, ldap_dn=ldap_distinguished_name)
    session.out.say(f"User group `{user_group_name}` is created.")
    if session.out.as_json:
        session.out.json(group)


@user_groups.command("get")
@click.argument("user_group_name")
@get_data
@options.extended
@options.shared
@pass_session
def get(session: Session, user_group_name: str, get_data: bool) -> None:
    """Show a user group."""
    group = session.client.user_groups.details(user_group_name, get_data=get_data)
    session.out.record(shown(session, group), COLUMNS)


@user_groups.command("set-role")
@click.argument("user_group_name")
@security_role
@options.shared
@pass_session
def set_role(session: Session, user_group_name: str, security_role: str) -> None:
    """Set the role that the members have in every tenant."""
    session.client.user_groups.set_role(user_group_name, security_role)
    session.out.say(f"User group `{user_group_name}` has the role `{security_role}`.")


@user_groups.command("add-user")
@click.argument("username")
@_group
@options.shared
@pass_session
def add_user(session: Session, username: str, group_name: str) -> None:
    """Make a user a member of a group."""
    session.client.user_groups.add_user(username, group_name)
    session.out.say(f"User `{username}` is a member of user group `{group_name}`.")


@user_groups.command("remove-user")
@click.argument("username")
@_group
@options.shared
@pass_session
def remove_user(session: Session, username: str, group_name: str) -> None:
    """End a user's membership, and with it the roles that it gave."""
    session.client.user_groups.remove_user(username, group_name)
    session.out.say(f"User `{username}` is no longer a member of user group `{group_name}`.")


@user_groups.command("delete")
@click.argument("user_group_name")
@options.shared
@pass_session
def delete(session: Session, user_group_name: str) -> None:
    """Delete a user group; its members stay."""
    session.client.user_groups.delete(user_group_name)
    session.out.say(f"User group `{user_group_name}` is deleted.")
