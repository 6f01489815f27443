"""Host names and origins: which names of this manager a request may use, and which pages may send one.

A page of another site can make its visitor's browser send requests here, also under a name of its own that it
lets point to this machine (DNS rebinding). It cannot do so under an address, and a browser says in ``Origin``
which page it was.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Collection
from urllib.parse import urlsplit


def own_names(more: str = "", public_url: str = "") -> frozenset[str]:
    """Return the names under which this machine is reached, those in ``more``, separated by commas, and that
    of a public address.
    """
    named = {name.strip().lower() for name in (*more.split(","), urlsplit(public_url).hostname or "")}
    named.discard("")
    return frozenset({"localhost", socket.gethostname().lower(), *named})


def is_allowed_host(host: str, allowed: Collection[str]) -> bool:
    """Return whether a ``Host`` header names an address or an allowed name, whatever its port."""
    name = _host_name(host)
    if name is None:
        return False
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name in allowed
    return True


def is_same_origin(origin: str, host: str | None, public_url: str = "") -> bool:
    """Return whether the page of an ``Origin`` header came from the host that the request is sent to, or from
    the public address.
    """
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    public = urlsplit(public_url)
    if public_url and (parts.scheme, parts.netloc.lower()) == (public.scheme, public.netloc.lower()):
        return True
    return parts.scheme in ("http", "https") and host is not None and parts.netloc.lower() == host.lower()


def _host_name(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None
