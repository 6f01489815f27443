"""Users whom an LDAP directory knows: who they are and which groups they are in.

A user is looked up below a base with the manager's own account, and then has to bind with their password.
What must always hold: a name is never more than a value in a filter, an empty password opens nothing, and no
password goes over a network that is not encrypted.
"""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from cloudwright.errors import InvalidInput, Unavailable
from cloudwright.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Seconds for a connection and for each response.
CONNECT_SECONDS, RESPONSE_SECONDS = 5, 10
_USERNAME, _DN = "{username}", "{dn}"
_WRONG_CREDENTIALS = 49


@dataclass(frozen=True, slots=True)
class OutsideUser:
    """What a directory says of a user who signed in; ``groups`` are distinguished names."""

    username: str
    groups: Sequence[str]


class LdapDirectory:
    """The directory that the settings name."""

    def __init__(self, settings: Settings) -> None:
        """Raises InvalidInput if the settings do not go together, or the library is not installed."""
        try:
            import ldap3  # noqa: F401, PLC0415 - loaded only where there is a directory
        except ImportError as error:
            raise InvalidInput(
                "CLOUDWRIGHT_LDAP_URL needs a library: pip install 'cloudwright[ldap]'."
            ) from error
        self._settings = settings
        parts = urlsplit(settings.ldap_url)
        if parts.scheme not in ("ldap", "ldaps") or not parts.hostname:
            raise InvalidInput(
                f"CLOUDWRIGHT_LDAP_URL is `{settings.ldap_url}`; it must be like `ldaps://ldap.example.com`."
            )
        self._is_encrypted = parts.scheme == "ldaps"
        self._is_loopback = _is_loopback(parts.hostname)
        for name, place, wanted in (
            ("USER_FILTER", settings.ldap_user_filter, _USERNAME),
            ("GROUP_FILTER", settings.ldap_group_filter, _DN),
        ):
            if place.count(wanted) != 1:
                raise InvalidInput(f"CLOUDWRIGHT_LDAP_{name} is `{place}`; it must hold `{wanted}` once.")
        if not settings.ldap_base:
            raise InvalidInput(
                "CLOUDWRIGHT_LDAP_URL is set, so CLOUDWRIGHT_LDAP_BASE must be: users are looked up below it."
            )
        self._password = _read_password(settings.ldap_bind_password_file)

    def authenticate(self, username: str, password: str) -> OutsideUser | None:
        """Return who the directory knows by this name and password; None if it knows nobody.

        Raises Unavailable.
        """
        from ldap3.core.exceptions import LDAPException  # noqa: PLC0415

        # A bind without a password succeeds, as nobody.
        if not password or not username:
            return None
        try:
            return self._authenticate(username, password)
        except (LDAPException, OSError) as error:
            raise Unavailable(
                f"The LDAP directory {self._settings.ldap_url} cannot be asked: {error}. Users that it does"
                " not know can sign in."
            ) from error

    def _authenticate(self, username: str, password: str) -> OutsideUser | None:
        from ldap3.utils.conv import escape_filter_chars  # noqa: PLC0415

        settings = self._settings
        with self._bound(settings.ldap_bind_dn, self._password) as own:
            if own is None:
                raise Unavailable(
                    f"The LDAP directory {settings.ldap_url} refuses CLOUDWRIGHT_LDAP_BIND_DN or its"
                    " password."
                )
            found = _search(
                own,
                settings.ldap_base,
                settings.ldap_user_filter.replace(_USERNAME, escape_filter_chars(username)),
            )
            if len(found) != 1:
                return None
            dn = found[0]
            with self._bound(dn, password) as theirs:
                if theirs is None:
                    return None
            base = settings.ldap_group_base or settings.ldap_base
            groups = _search(own, base, settings.ldap_group_filter.replace(_DN, escape_filter_chars(dn)))
        return OutsideUser(username, tuple(groups))

    @contextmanager
    def _bound(self, dn: str, password: str) -> Iterator[Any]:
        """A connection as somebody; None if the directory refuses the password. Raises LDAPException."""
        import ldap3  # noqa: PLC0415

        settings = self._settings
        tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=settings.ldap_ca or None)
        server = ldap3.Server(
            settings.ldap_url, tls=tls, get_info=ldap3.NONE, connect_timeout=CONNECT_SECONDS
        )
        connection = ldap3.Connection(
            server,
            dn or None,
            password or None,
            receive_timeout=RESPONSE_SECONDS,
            read_only=True,
            auto_referrals=False,
        )
        try:
            connection.open()
            if not self._is_encrypted and not self._is_loopback:
                connection.start_tls()
            bound = connection.bind()
            if not bound and connection.result["result"] != _WRONG_CREDENTIALS:
                raise Unavailable(
                    f"The LDAP directory {settings.ldap_url} refuses to bind:"
                    f" {connection.result['description']}."
                )
            yield connection if bound else None
        finally:
            connection.unbind()


def _search(connection: Any, base: str, filter: str) -> list[str]:
    """Return the distinguished names of what a filter finds."""
    connection.search(base, filter, attributes=None, size_limit=1000)
    return [str(entry["dn"]) for entry in connection.response or () if entry["type"] == "searchResEntry"]


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _read_password(file: str) -> str:
    if not file:
        return ""
    try:
        return Path(file).read_text("utf-8").rstrip("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"CLOUDWRIGHT_LDAP_BIND_PASSWORD_FILE cannot be read: {error}.") from error
