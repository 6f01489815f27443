"""The manager to connect to, and the credentials."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

API_PREFIX = "/api/v3.1"
DEFAULT_TENANT = "default_tenant"


@dataclass(frozen=True, slots=True)
class Target:
    """``url`` has a scheme, a host and perhaps a port, and no path: ``https://manager.example:8443``.

    A token wins over a user name and password. ``certificate`` is the path of a PEM file to trust instead of
    the system's authorities.
    """

    url: str
    username: str | None = None
    password: str | None = None
    token: str | None = None
    tenant: str = DEFAULT_TENANT
    certificate: str | None = None

    @property
    def is_loopback(self) -> bool:
        """Whether the manager is on this machine, so that no proxy is used."""
        host = urlsplit(self.url).hostname or ""
        if host == "localhost":
            return True
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return False

    def __repr__(self) -> str:
        """Without secrets: this ends up in messages."""
        return f"Target({self.url!r}, username={self.username!r}, tenant={self.tenant!r})"
