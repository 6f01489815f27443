"""How the agent of a host is installed over SSH, as the host's node says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cloudwright.child.errors import NonRecoverableError
from cloudwright.operation.context import Context

#: How long a host may take until it can be reached, and until it accepts its user (seconds).
WAIT_SECONDS = 300.0
LOGIN_WAIT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Login:
    """``key`` is a private key, or the path of its file on the manager. ``host_key`` is a public key or a
    fingerprint; without one any host is believed.
    """

    host: str
    port: int
    user: str
    key: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    host_key: str | None = None


@dataclass(frozen=True, slots=True)
class AgentConfig:
    login: Login
    bastion: Login | None
    wait: float
    python: str | None
    folder: str | None
    service: str | None
    options: tuple[str, ...]


def read_config(ctx: Context) -> AgentConfig:
    """Return what the node's ``agent_config`` says. Raises NonRecoverableError if something is missing."""
    properties, runtime = ctx.node.properties, ctx.instance.runtime_properties
    config = _merged(
        properties.get("agent_config"), properties.get("cloudify_agent"), runtime.get("cloudify_agent")
    )
    extra = config.get("extra") or {}
    ssh = extra.get("ssh") or {}
    if str(properties.get("os_family") or "linux").lower() == "windows":
        raise NonRecoverableError(
            f"Node `{ctx.node.name}` is a Windows host: agents can be installed on Linux only, over SSH."
        )
    host = runtime.get("ip") or properties.get("ip")
    login = _login(ctx, {**config, "host": host, "host_key": ssh.get("host_key")}, "agent_config")
    if login.host_key is None:
        known = runtime.get("agent_host_key")
        login = Login(login.host, login.port, login.user, login.key, login.password, known and str(known))
    bastion = ssh.get("bastion")
    return AgentConfig(
        login=login,
        bastion=None if bastion is None else _login(ctx, bastion, "agent_config.extra.ssh.bastion"),
        wait=float(ssh.get("wait") or WAIT_SECONDS),
        python=extra.get("python"),
        folder=extra.get("folder"),
        service=config.get("service_name"),
        options=_options(config),
    )


def _merged(*parts: Any) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for part in parts:
        if isinstance(part, Mapping):
            merged |= {key: value for key, value in part.items() if value is not None}
    return merged


def _login(ctx: Context, given: Mapping[str, Any], where: str) -> Login:
    for name in ("host", "user"):
        if not given.get(name):
            what = "its `ip`, as a property or a runtime property" if name == "host" else f"`{where}.user`"
            if where != "agent_config":
                what = f"`{where}.{name}`"
            raise NonRecoverableError(
                f"The agent of `{ctx.instance.id}` cannot be installed over SSH: {what} is missing. With "
                "`install_method: provided` you start it yourself."
            )
    if not given.get("key") and not given.get("password"):
        raise NonRecoverableError(
            f"The agent of `{ctx.instance.id}` cannot be installed over SSH: `{where}` has neither a `key` "
            "nor a `password`. Both can be secrets: `{ get_secret: NAME }`."
        )
    return Login(
        str(given["host"]),
        int(given.get("port") or 22),
        str(given["user"]),
        given.get("key"),
        given.get("password"),
        given.get("host_key"),
    )


def _options(config: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the options of the agent's program."""
    words: list[str] = []
    for name, option in (
        ("max_workers", "--capacity"),
        ("log_level", "--log-level"),
        ("log_max_bytes", "--log-max-bytes"),
        ("log_max_history", "--log-max-history"),
    ):
        if config.get(name):
            words += [option, str(config[name])]
    return tuple(words)
