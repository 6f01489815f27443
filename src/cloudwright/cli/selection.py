"""Which manager a command speaks to, and as whom.

The address comes from the first of: ``--manager``, ``CLOUDWRIGHT_URL``, the active profile; if none is set,
it is the manager of the home directory. ``CLOUDWRIGHT_TOKEN``, ``CLOUDWRIGHT_USERNAME`` and
``CLOUDWRIGHT_PASSWORD`` say as whom, and if they do not, the profile does. ``--tenant-name`` wins over
``CLOUDWRIGHT_TENANT``, and that over the profile.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from cloudwright.cli.failure import USAGE, Failure
from cloudwright.cli.profile_store import Profile, ProfileStore
from cloudwright.client.target import DEFAULT_TENANT, Target

PLAIN_PORT = 8100
SECURE_PORT = 443


@dataclass(frozen=True, slots=True)
class Selection:
    """``target`` is None for the manager of the home directory until it is known to run.

    ``origin`` says where the choice came from, for messages: ``the profile `lab``` or ``CLOUDWRIGHT_URL``;
    ``credentials`` names the variables that say as whom, if any does.
    """

    target: Target | None
    origin: str
    profile: Profile | None = None
    log: Path | None = None
    credentials: str = ""

    @property
    def is_local(self) -> bool:
        return self.log is not None

    def address_hint(self) -> str:
        """What to check if nothing responds at the address."""
        if self.is_local:
            return f"It was started in the background for you; its log is {self.log}."
        if self.profile is not None and self.origin != "--manager":
            back = "`cfy profiles use local` goes back to the manager of this machine."
        else:
            back = "without that, it is the manager of the active profile, or else of this machine."
        return (
            f"The address comes from {self.origin}. Check that the manager runs, and its port and protocol;\n"
            f"{back}"
        )

    def credentials_hint(self) -> str:
        """What to look at when the manager does not know who is asking."""
        if self.credentials:
            return f"The credentials come from {self.credentials}: set them again, or unset them."
        if self.is_local:
            return f"Its credentials are in {self.log and self.log.with_name('credentials.json')}."
        if self.profile is not None:
            return (
                f"The credentials come from {self.origin}: set them with\n"
                "`cfy profiles set -u USER` or `cfy profiles set -T TOKEN`."
            )
        return "Set CLOUDWRIGHT_TOKEN, or CLOUDWRIGHT_USERNAME and CLOUDWRIGHT_PASSWORD."


def select(
    home: Path, environ: Mapping[str, str], *, manager: str | None = None, tenant: str | None = None
) -> Selection:
    """Raises Failure if an address makes no sense or the active profile cannot be read."""
    store = ProfileStore(home)
    address = environ.get("CLOUDWRIGHT_URL")
    if manager is not None:
        selection = _named(store, manager)
    elif address:
        selection = Selection(Target(parse_address(address)), "CLOUDWRIGHT_URL")
    else:
        profile = store.active()
        if profile is None:
            origin = f"the home directory {home}"
            return Selection(None, origin, log=home / "manager.log", credentials=_variables(environ))
        selection = Selection(profile.target(), f"the profile `{profile.name}`", profile)
    assert selection.target is not None
    target = overlay(selection.target, environ, tenant)
    return replace(selection, target=target, credentials=_variables(environ))


def _variables(environ: Mapping[str, str]) -> str:
    if environ.get("CLOUDWRIGHT_TOKEN"):
        return "CLOUDWRIGHT_TOKEN"
    return "CLOUDWRIGHT_USERNAME and CLOUDWRIGHT_PASSWORD" if environ.get("CLOUDWRIGHT_USERNAME") else ""


def overlay(target: Target, environ: Mapping[str, str], tenant: str | None) -> Target:
    """Return the target as the user of the environment and in the tenant that the command names."""
    token, username = environ.get("CLOUDWRIGHT_TOKEN"), environ.get("CLOUDWRIGHT_USERNAME")
    if token:
        target = replace(target, token=token, username=None, password=None)
    elif username:
        password = environ.get("CLOUDWRIGHT_PASSWORD", "")
        target = replace(target, token=None, username=username, password=password)
    return replace(
        target, tenant=tenant or environ.get("CLOUDWRIGHT_TENANT") or target.tenant or DEFAULT_TENANT
    )


def _named(store: ProfileStore, manager: str) -> Selection:
    """What ``--manager`` names: a profile, or an address to use with the active profile's credentials."""
    profile = store.find(manager)
    if profile is not None:
        return Selection(profile.target(), f"the profile `{profile.name}`", profile)
    active = store.active()
    if active is None:
        return Selection(Target(parse_address(manager)), "--manager")
    url = parse_address(manager, scheme=active.rest_protocol, port=active.rest_port)
    return Selection(replace(active.target(), url=url), "--manager", active)


def parse_address(text: str, *, scheme: str | None = None, port: int | None = None) -> str:
    """``host``, ``host:port`` or a URL as ``scheme://host:port``.

    ``scheme`` and ``port`` are for what the text leaves open; without them it is HTTP on port 8100, or HTTPS
    on 443. Raises Failure (usage) for anything else.
    """
    bare = "://" not in text
    if bare and text.count(":") > 1 and not text.startswith("["):
        text = f"[{text}]"
    try:
        parts = urlsplit(f"{scheme or 'http'}://{text}" if bare else text)
        given_port = parts.port
    except ValueError:
        raise _bad_address(text) from None
    usable = parts.scheme in ("http", "https") and parts.hostname and parts.path in ("", "/")
    if not usable or parts.query or parts.username:
        raise _bad_address(text)
    default = port if bare and port else (SECURE_PORT if parts.scheme == "https" else PLAIN_PORT)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}:{given_port or default}"


def _bad_address(text: str) -> Failure:
    return Failure(
        f"`{text}` is not the address of a manager.",
        "Give a host, a host and a port, or a URL: `manager.example`, `10.0.0.5:8100`, `https://manager.example`.",
        exit_code=USAGE,
    )
