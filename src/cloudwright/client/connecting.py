"""A client from what the environment says: the address of a manager, or the home of one on this machine."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cloudwright.client.api import Client
from cloudwright.client.errors import ConnectionFailed
from cloudwright.client.handles import ExecutionHandle
from cloudwright.client.target import DEFAULT_TENANT, Target


class ManagerClient(Client):
    """A client that hands out executions as objects."""

    def start(self, workflow_id: str, deployment_id: str, **options: Any) -> ExecutionHandle:
        """Start a workflow, and return its execution as soon as it is stored.

        ``options`` are those of ``client.executions.start``: ``parameters``, ``dry_run``, ``queue`` and so
        on. Raises NotFound, NoSuchWorkflow, BadParameters and ExecutionRunning.
        """
        execution = self.executions.start(workflow_id, deployment_id, **options)
        return ExecutionHandle(self, execution["id"])

    def execution(self, id: str) -> ExecutionHandle:
        """Return the execution of that id; nothing is requested yet."""
        return ExecutionHandle(self, id)


def connect(
    url: str | None = None,
    *,
    username: str | None = None,
    password: str | None = None,
    token: str | None = None,
    tenant: str | None = None,
    certificate: str | None = None,
    environ: Mapping[str, str] = os.environ,
) -> ManagerClient:
    """Return a client of a manager. It is a context manager; nothing is requested yet.

    What is not given comes from CLOUDWRIGHT_URL, CLOUDWRIGHT_TOKEN, CLOUDWRIGHT_USERNAME,
    CLOUDWRIGHT_PASSWORD and CLOUDWRIGHT_TENANT. If no address is given in either way it is the manager whose
    home is CLOUDWRIGHT_HOME, or `~/.cloudwright`, with the credentials that are there; it is not started.

    Parameters:
        url: Scheme, host and port: `https://manager.example:8443`.
        username: The user; with ``password``.
        token: A token, which wins over a user name.
        tenant: The tenant to work in; `default_tenant` if nothing names one.
        certificate: The path of a PEM file to trust instead of the system's authorities.

    Raises:
        ConnectionFailed: There is no address, and no manager of this home.
    """
    url = url or environ.get("CLOUDWRIGHT_URL")
    tenant = tenant or environ.get("CLOUDWRIGHT_TENANT") or DEFAULT_TENANT
    if not (token or username):
        token = environ.get("CLOUDWRIGHT_TOKEN")
        username, password = environ.get("CLOUDWRIGHT_USERNAME"), environ.get("CLOUDWRIGHT_PASSWORD")
    if url is None:
        kept = _credentials(environ)
        url, certificate = kept["url"], certificate or kept.get("certificate")
        if not (token or username):
            token = kept.get("token")
    return ManagerClient(Target(url.rstrip("/"), username, password, token, tenant, certificate))


def _credentials(environ: Mapping[str, str]) -> dict[str, Any]:
    home = Path(environ.get("CLOUDWRIGHT_HOME") or "~/.cloudwright").expanduser()
    try:
        kept: dict[str, Any] = json.loads((home / "credentials.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ConnectionFailed(
            f"the home {home}", "it has no credentials; give an address, or start a manager with it"
        ) from error
    return kept
