"""`cfy users`: who may use the manager."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import click

from cloudwright.cli import options
from cloudwright.cli.failure import USAGE, Failure
from cloudwright.cli.formatting import columns
from cloudwright.cli.lazy import SuggestingGroup
from cloudwright.cli.session import Session, pass_session
from cloudwright.client.records import Slice

COLUMNS = columns(
    "username",
    "role=system role",
    "group_system_roles=roles of groups",
    "groups",
    "tenants",
    "source",
    "active",
    "is_locked=locked",
    "last_login_at=last login",
)

get_data = click.option("--get-data", is_flag=True, help="Show names and roles instead of numbers.")
security_role = click.option(
    "-r",
    "--security-role",
    type=click.Choice(["default", "sys_admin"]),
    default="default",
    show_default=True,
    help="The role in every tenant: `default` allows nothing in any, `sys_admin` everything.",
)
_password = options.together(
    click.option(
        "-p",
        "--password",
        metavar="TEXT",
        help="The password. Other users of this machine may see it while the command runs; it is asked for,"
        " and not shown, without this.",
    ),
    click.option("--password-stdin", is_flag=True, help="Read the password from standard input."),
)


@click.group(cls=SuggestingGroup)
@options.shared
def users() -> None:
    """Create, change and delete users of the manager."""


@users.command("list")
@options.account_slice("username")
@get_data
@options.extended
@options.shared
@pass_session
def list_users(session: Session, part: Slice, get_data: bool) -> None:
    """List users."""
    page = session.client.users.list(part, get_data=get_data)
    session.out.records(
        [shown(session, user) for user in page.items], COLUMNS, noun="users", total=page.total
    )


@users.command("create")
@click.argument("username")
@security_role
@_password
@click.option("-t", "--tenant-name", metavar="NAME", help="A tenant to add the user to.")
@click.option(
    "-l",
    "--user-tenant-role",
    type=click.Choice(options.TENANT_ROLES),
    help="The user's role in that tenant.",
)
@options.shared
@pass_session
def create(
    session: Session,
    username: str,
    security_role: str,
    password: str | None,
    password_stdin: bool,
    tenant_name: str | None,
    user_tenant_role: str | None,
) -> None:
    """Create a user. Without a tenant, `cfy tenants add-user` lets them do something afterwards."""
    if (tenant_name is None) != (user_tenant_role is None):
        raise Failure(
            "A tenant and a role in it belong together.",
            "Give --tenant-name and --user-tenant-role, or neither.",
            exit_code=USAGE,
        )
    client = session.client
    user = client.users.create(username, _read(password, password_stdin, username), security_role)
    session.out.say(f"User `{username}` is created with the role `{security_role}`.")
    if tenant_name and user_tenant_role:
        client.tenants.add_user(username, tenant_name, user_tenant_role)
        session.out.say(f"User `{username}` has the role `{user_tenant_role}` in tenant `{tenant_name}`.")
    if session.out.as_json:
        session.out.json(user)


@users.command("get")
@click.argument("username", required=False)
@get_data
@options.extended
@options.shared
@pass_session
def get(session: Session, username: str | None, get_data: bool) -> None:
    """Show a user, or yourself if no name is given."""
    user = session.client.users.details(username, get_data=get_data)
    session.out.record(shown(session, user), COLUMNS)


@users.command("set-password")
@click.argument("username")
@_password
@options.shared
@pass_session
def set_password(session: Session, username: str, password: str | None, password_stdin: bool) -> None:
    """Set a new password: your own, or as an administrator anybody's."""
    session.client.users.set_password(username, _read(password, password_stdin, username))
    session.out.say(f"User `{username}` has a new password.")


@users.command("set-role")
@click.argument("username")
@security_role
@options.shared
@pass_session
def set_role(session: Session, username: str, security_role: str) -> None:
    """Set the role that a user has in every tenant."""
    session.client.users.set_role(username, security_role)
    session.out.say(f"User `{username}` has the role `{security_role}`.")


@users.command("activate")
@click.argument("username")
@options.shared
@pass_session
def activate(session: Session, username: str) -> None:
    """Let a user in who was deactivated."""
    session.client.users.activate(username)
    session.out.say(f"User `{username}` is active.")


@users.command("deactivate")
@click.argument("username")
@options.shared
@pass_session
def deactivate(session: Session, username: str) -> None:
    """Keep a user out, with their tokens, from now on."""
    session.client.users.deactivate(username)
    session.out.say(f"User `{username}` is not active any more.")


@users.command("unlock")
@click.argument("username")
@options.shared
@pass_session
def unlock(session: Session, username: str) -> None:
    """Let a user in whom wrong passwords have locked."""
    session.client.users.unlock(username)
    session.out.say(f"User `{username}` is unlocked.")


@users.command("delete")
@click.argument("username")
@options.shared
@pass_session
def delete(session: Session, username: str) -> None:
    """Delete a user, with their tokens."""
    session.client.users.delete(username)
    session.out.say(f"User `{username}` is deleted.")


def shown(session: Session, record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record with its names and roles as text: `shop: user, viewer`. JSON has them as they are."""
    if session.out.as_json:
        return dict(record)
    return {name: _text(value) if isinstance(value, dict) else value for name, value in record.items()}


def _text(roles: dict[str, Any]) -> str | None:
    found = []
    for name, value in roles.items():
        value = value.get("roles", value) if isinstance(value, dict) else value
        found.append(f"{name}: {', '.join(value) if isinstance(value, list) else value}")
    return "; ".join(found) or None


def _read(password: str | None, from_stdin: bool, username: str) -> str:
    if password is not None and from_stdin:
        raise Failure("The password is given twice.", "Give -p or --password-stdin.", exit_code=USAGE)
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if password is not None:
        return password
    if not sys.stdin.isatty():
        raise Failure("There is no password.", "Give it with --password-stdin.", exit_code=USAGE)
    prompt = f"New password of `{username}`"
    return str(click.prompt(prompt, hide_input=True, confirmation_prompt=True, err=True))
