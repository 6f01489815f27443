"""For whom something is read that an execution asks for: the user who started it, as they are now."""

from __future__ import annotations

from cloudwright.manager.principals import find_principal
from cloudwright.manager.secrets import Viewer
from cloudwright.storage.store import Connection


def executing_viewer(conn: Connection, username: str | None) -> Viewer:
    """Return the user in whose name operations run, which use secrets that are hidden from the user."""
    found = find_principal(conn, username or "")
    if found is None:
        return Viewer(username, uses=True)
    return Viewer(username, found.is_admin, found.administers, uses=True)
