"""Preparations of a start: the transport, the home, the manager's name, and room for open files."""

from __future__ import annotations

import ipaddress
import logging
import resource
import secrets
import socket
import ssl
import stat
import tempfile
from pathlib import Path

from cloudwright.errors import IllegalAction, InvalidInput
from cloudwright.settings import Settings

#: Open files and sockets that the manager should be allowed.
DESCRIPTORS = 65536

log = logging.getLogger(__name__)


def prepare_home(home: Path) -> None:
    """Create the home if needed, and close it to other users: it holds credentials and users' code.

    Raises IllegalAction if the home cannot be written or closed.
    """
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        rights = stat.S_IMODE(home.stat().st_mode)
        if rights & 0o077:
            home.chmod(rights & ~0o077)
            log.warning("The home %s was open to other users (mode %04o); it is closed now.", home, rights)
        # Report a full or read-only disk before anything else happens.
        with tempfile.TemporaryFile(dir=home):
            pass
    except OSError as error:
        raise IllegalAction(
            f"The home {home} cannot be used: {error.strerror}. "
            "Make it a folder of your own that you may write to, or name another with --home or "
            "CLOUDWRIGHT_HOME."
        ) from error


def check_transport(settings: Settings) -> None:
    """Check the TLS settings, and warn if credentials would cross a network unencrypted.

    Raises InvalidInput if the certificate or its key is missing or cannot be used.
    """
    if bool(settings.tls_cert) != bool(settings.tls_key):
        raise InvalidInput("HTTPS needs both a certificate (--tls-cert) and its key (--tls-key).")
    if settings.tls_cert:
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(settings.tls_cert, settings.tls_key)
        except OSError as error:
            raise InvalidInput(
                f"The certificate {settings.tls_cert} and the key {settings.tls_key} cannot be used: "
                f"{error.strerror or error}. They must be PEM files that belong together."
            ) from error
    elif not _is_loopback(settings.host):
        log.warning(
            "Listening on %s without TLS: passwords and tokens cross the network unencrypted. "
            "Use --tls-cert and --tls-key, or listen on 127.0.0.1 behind a proxy with TLS.",
            settings.host,
        )


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def manager_name(home: Path) -> str:
    """Return this manager's name: generated once and the same after every restart, so that the manager
    recognizes what it left running.
    """
    file = home / "manager.name"
    if not file.exists():
        file.write_text(f"{socket.gethostname()}-{secrets.token_hex(4)}\n", "utf-8")
    return file.read_text("utf-8").strip()


def raise_limits() -> None:
    """Make room for the few descriptors that every child takes.

    Not for as many as possible: children inherit the limit, and some programs look at every descriptor up to
    it.
    """
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if now != resource.RLIM_INFINITY and now < DESCRIPTORS:
        wanted = DESCRIPTORS if most == resource.RLIM_INFINITY else min(DESCRIPTORS, most)
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
