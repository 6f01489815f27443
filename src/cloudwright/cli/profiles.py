"""`cfy profiles`: which manager the commands speak to, and as whom."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from cloudwright.cli import options
from cloudwright.cli.failure import Failure, refused
from cloudwright.cli.formatting import columns
from cloudwright.cli.lazy import SuggestingGroup, lazy
from cloudwright.cli.profile_store import LOCAL, NAME, Profile, ProfileStore
from cloudwright.cli.selection import SECURE_PORT, Selection, parse_address
from cloudwright.cli.session import Session, pass_session
from cloudwright.client.errors import Unauthorized
from cloudwright.client.target import DEFAULT_TENANT

if TYPE_CHECKING:
    from cloudwright.client import api
else:
    api = lazy("cloudwright.client.api")

COLUMNS = columns(
    "name",
    "active",
    "manager_ip=manager",
    "rest_port=port",
    "rest_protocol=protocol",
    "manager_username=user",
    "manager_tenant=tenant",
)
FIELDS = [
    *COLUMNS,
    *columns(
        "manager_password=password",
        "manager_token=token",
        "rest_certificate=certificate",
        "ssh_user",
        "ssh_key",
        "ssh_port",
    ),
]

credentials = options.together(
    click.option(
        "-T", "--manager-token", metavar="TOKEN", help="The token to use, instead of a user and a password."
    ),
    click.option("-u", "--manager-username", metavar="NAME", help="The user to work as."),
    click.option(
        "-p",
        "--manager-password",
        metavar="TEXT",
        help="The user's password. Leave it out to be asked for it: other users can see the command line.",
    ),
    click.option(
        "--password-stdin",
        is_flag=True,
        help="Read the user's password from the first line of standard input.",
    ),
    click.option("-t", "--manager-tenant", metavar="NAME", help="The tenant to work in."),
)
address = options.together(
    click.option(
        "--rest-port", metavar="PORT", type=click.IntRange(1, 65535), help="The port of the REST API."
    ),
    click.option(
        "-c",
        "--rest-certificate",
        metavar="FILE",
        type=click.Path(exists=True, dir_okay=False, resolve_path=True),
        help="The certificate to trust, in a PEM file; it implies HTTPS.",
    ),
)
ssh = options.together(
    click.option(
        "-s", "--ssh-user", metavar="NAME", help="Kept in the profile for Cloudify's scripts; not used."
    ),
    click.option(
        "-k", "--ssh-key", metavar="FILE", help="Kept in the profile for Cloudify's scripts; not used."
    ),
    click.option("--ssh-port", metavar="PORT", help="Kept in the profile for Cloudify's scripts; not used."),
)
no_check = click.option(
    "--skip-credentials-validation",
    is_flag=True,
    help="Do not ask the manager whether the credentials are right.",
)


@click.group(cls=SuggestingGroup)
@options.shared
def profiles() -> None:
    """Choose the manager that the commands speak to, and as whom.

    The profile `local` is always there: it is the manager of this machine, started if it does not run.
    """


@profiles.command("use")
@click.argument("manager_ip")
@click.option(
    "--profile-name", metavar="NAME", help="What to call the profile; the manager's address by default."
)
@credentials
@address
@click.option("--ssl", is_flag=True, help="Speak HTTPS to the manager.")
@ssh
@no_check
@options.shared
@pass_session
def use(
    session: Session,
    /,
    manager_ip: str,
    profile_name: str | None,
    password_stdin: bool,
    skip_credentials_validation: bool,
    **given: Any,
) -> None:
    """Use a manager from now on.

    MANAGER_IP is its host or its URL, the name of a profile made before, or `local`. A profile made before is
    used as it is; `cfy profiles set` changes it.
    """
    store = ProfileStore(session.home)
    if manager_ip == LOCAL and not profile_name:
        store.activate(LOCAL)
        session.out.say("Using the manager of this machine.")
        return
    name = profile_name or manager_ip
    if store.exists(name):
        profile = store.load(name)
        ignored = ["--" + option.replace("_", "-") for option, value in given.items() if value]
        if ignored:
            session.out.remark(
                f"The profile `{name}` was made before: {', '.join(sorted(ignored))} is ignored."
                " `cfy profiles set` changes it."
            )
    else:
        _complete_password(given, from_stdin=password_stdin)
        profile = _new_profile(name if profile_name else None, manager_ip, given)
    if not skip_credentials_validation:
        check(session, profile)
    store.save(profile)
    store.activate(profile.name)
    session.out.say(f"Using the manager at {profile.url} (profile `{profile.name}`).")


def stdin_is_terminal() -> bool:
    return sys.stdin.isatty()


def _complete_password(given: dict[str, Any], *, from_stdin: bool) -> None:
    """Read the password from standard input, or ask for it if a user is named without one."""
    if from_stdin:
        given["manager_password"] = sys.stdin.readline().rstrip("\r\n")
        if not given["manager_password"]:
            raise click.UsageError("Standard input holds no password.")
    elif given["manager_username"] and not given["manager_password"] and stdin_is_terminal():
        given["manager_password"] = click.prompt(
            f"Password of {given['manager_username']}", hide_input=True, err=True
        )


def _new_profile(name: str | None, manager_ip: str, given: dict[str, Any]) -> Profile:
    secure = bool(given.pop("ssl") or given["rest_certificate"])
    port = given.pop("rest_port")
    scheme = "https" if secure else "http"
    parts = urlsplit(parse_address(manager_ip, scheme=scheme, port=port or (SECURE_PORT if secure else None)))
    host = parts.hostname or ""
    given["manager_tenant"] = given["manager_tenant"] or DEFAULT_TENANT
    return Profile(
        name=_allowed_name(name or host),
        manager_ip=host,
        rest_port=port or parts.port or 0,
        rest_protocol=parts.scheme,
        **given,
    )


def _allowed_name(name: str) -> str:
    if name == LOCAL or not NAME.fullmatch(name):
        raise click.UsageError(f"`{name}` cannot be the name of a profile; give another with --profile-name.")
    return name


def check(session: Session, profile: Profile) -> None:
    """Ask the manager of a profile whether it knows us, before the profile is stored.

    Raises ClientError, or Failure if it does not.
    """
    session.selection = Selection(profile.target(), f"the profile `{profile.name}`", profile)
    with api.Client(profile.target()) as client:
        try:
            client.status()
        except Unauthorized as error:
            raise refused(
                error,
                "No profile was changed. Give the right -u USER and its password, or -T TOKEN.",
            ) from error


@profiles.command("list")
@options.shared
@options.extended
@pass_session
def list_profiles(session: Session) -> None:
    """List profiles; a star marks the one in use."""
    store = ProfileStore(session.home)
    active = store.active_name()
    found = [store.load(name) for name in store.names()]
    rows: list[dict[str, Any]] = [{"name": LOCAL, "active": active == LOCAL, "manager_ip": "this machine"}]
    rows += [{**profile.public(), "active": profile.name == active} for profile in found]
    if not session.out.as_json:
        for row in rows:
            row["active"] = "*" if row["active"] else ""
    session.out.records(rows, COLUMNS, noun="profiles")


@profiles.command("show-current")
@options.shared
@options.extended
@pass_session
def show_current(session: Session) -> None:
    """Show the profile in use. Passwords and tokens are not shown."""
    profile = ProfileStore(session.home).active()
    if profile is None:
        session.out.record({"name": LOCAL, "active": True, "manager_ip": "this machine"}, COLUMNS[:3])
        return
    session.out.record({**profile.public(), "active": True}, FIELDS)


@profiles.command("set")
@click.option("--profile-name", metavar="NAME", help="Give the profile this name.")
@click.option("-m", "--manager-ip", metavar="HOST", help="The manager's host or URL.")
@credentials
@address
@click.option(
    "--ssl", metavar="on|off", type=click.Choice(["on", "off"]), help="Speak HTTPS to the manager, or HTTP."
)
@ssh
@no_check
@options.shared
@pass_session
def set_profile(
    session: Session,
    /,
    profile_name: str | None,
    manager_ip: str | None,
    ssl: str | None,
    password_stdin: bool,
    skip_credentials_validation: bool,
    **given: Any,
) -> None:
    """Change the profile in use.

    A user name takes the place of a token, and a token that of a user name and a password.
    """
    _complete_password(given, from_stdin=password_stdin)
    if not (profile_name or manager_ip or ssl or any(given.values())):
        raise click.UsageError("Say what to change: `cfy profiles set --help` lists what there is.")
    store = ProfileStore(session.home)
    old = _current(store)
    changes = {name: value for name, value in given.items() if value}
    if changes.get("manager_username"):
        changes["manager_token"] = None
    elif changes.get("manager_token"):
        changes.update(manager_username=None, manager_password=None)
    if ssl or given.get("rest_certificate"):
        changes["rest_protocol"] = "http" if ssl == "off" else "https"
    profile = replace(old, **changes)
    if manager_ip:
        parts = urlsplit(parse_address(manager_ip, scheme=profile.rest_protocol, port=profile.rest_port))
        profile = replace(
            profile, manager_ip=parts.hostname or "", rest_port=parts.port or 0, rest_protocol=parts.scheme
        )
    if profile_name:
        if store.exists(profile_name):
            raise Failure(f"There is a profile `{profile_name}` already.")
        profile = replace(profile, name=_allowed_name(profile_name))
    if not skip_credentials_validation:
        check(session, profile)
    store.save(profile)
    if profile.name != old.name:
        store.activate(profile.name)
        store.delete(old.name)
    session.out.say(f"The profile `{profile.name}` is changed.")


@profiles.command("unset")
@click.option("-u", "--manager-username", is_flag=True, help="Forget the user.")
@click.option("-p", "--manager-password", is_flag=True, help="Forget the password.")
@click.option("-T", "--manager-token", is_flag=True, help="Forget the token.")
@click.option("-t", "--manager-tenant", is_flag=True, help="Go back to the default tenant.")
@click.option("-c", "--rest-certificate", is_flag=True, help="Trust the system's authorities again.")
@click.option("-s", "--ssh-user", is_flag=True, help="Forget the SSH user.")
@click.option("-k", "--ssh-key", is_flag=True, help="Forget the SSH key.")
@no_check
@options.shared
@pass_session
def unset(session: Session, /, skip_credentials_validation: bool, **chosen: bool) -> None:
    """Remove settings from the profile in use."""
    if not any(chosen.values()):
        raise click.UsageError("Say what to remove: `cfy profiles unset --help` lists what there is.")
    store = ProfileStore(session.home)
    changes: dict[str, Any] = {name: None for name, value in chosen.items() if value}
    if chosen["manager_tenant"]:
        changes["manager_tenant"] = DEFAULT_TENANT
    profile = replace(_current(store), **changes)
    if not skip_credentials_validation:
        check(session, profile)
    store.save(profile)
    session.out.say(f"The profile `{profile.name}` is changed.")


@profiles.command("delete")
@click.argument("profile_name")
@options.shared
@pass_session
def delete(session: Session, profile_name: str) -> None:
    """Delete a profile. Where it is the one in use, the manager of this machine is used from then on."""
    if profile_name == LOCAL:
        raise click.UsageError("The profile `local` cannot be deleted: it is the manager of this machine.")
    ProfileStore(session.home).delete(profile_name)
    session.out.say(f"The profile `{profile_name}` is deleted.")


def _current(store: ProfileStore) -> Profile:
    profile = store.active()
    if profile is None:
        raise Failure(
            "The profile in use is `local`, which has no settings of its own.",
            "Make or choose another one with `cfy profiles use`.",
        )
    return profile
