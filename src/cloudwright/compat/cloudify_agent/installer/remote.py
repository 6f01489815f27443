"""``install_method: remote``: installs agents over SSH, and removes them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from cloudwright import agent_program
from cloudwright.child.errors import NonRecoverableError, RecoverableError
from cloudwright.compat.cloudify.manager import get_rest_client
from cloudwright.compat.cloudify_agent.installer.config import AgentConfig, read_config
from cloudwright.compat.cloudify_agent.installer.ssh import CommandFailed, Host, connected
from cloudwright.operation import host_scripts
from cloudwright.operation.context import Context
from cloudwright.operation.host_scripts import HostFacts, Place

#: How long the agent's program may take on its way to the host, and all of a removal (seconds).
_UPLOAD_SECONDS = 300.0
REMOVE_SECONDS = 60.0
#: How long an agent that was started may take to connect, and how often that is looked at (seconds).
CONNECT_SECONDS = 60.0
_LOOK_SECONDS = 0.25
_ANY_ADDRESS = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared with
_LOOPBACK = ("127.", "::1", "localhost")


def install(ctx: Context) -> None:
    """Install the host's agent, and wait until it is connected.

    Raises NonRecoverableError for what has to be mended, RecoverableError for what may pass.
    """
    _check_ssh()
    config = read_config(ctx)
    _run(ctx, _install(ctx, config))


def remove(ctx: Context) -> None:
    """Remove the agent from its host, if the host can be reached; it does not take longer than
    ``REMOVE_SECONDS``.
    """
    if find_spec("asyncssh") is None:
        ctx.logger.warning("The files of the agent stay on its host: this manager has no asyncssh any more.")
        return
    try:
        config = read_config(ctx)
        asyncio.run(asyncio.wait_for(_remove(ctx, config), REMOVE_SECONDS))
    except (NonRecoverableError, CommandFailed, OSError) as error:
        why = str(error) or f"it took longer than {REMOVE_SECONDS:g} s."
        ctx.logger.warning("The files of agent `%s` stay on its host: %s", ctx.instance.id, why)


def restart(ctx: Context) -> None:
    """Start the agent again, on its host."""
    _check_ssh()
    _run(ctx, _restart(ctx, read_config(ctx)))


def _check_ssh() -> None:
    if find_spec("asyncssh") is None:
        raise NonRecoverableError(
            "Agents are installed by the library asyncssh, which this manager does not have: install "
            "`cloudwright[ssh]` in its environment."
        )


def _run(ctx: Context, job: Coroutine[Any, Any, None]) -> None:
    try:
        asyncio.run(job)
    except CommandFailed as error:
        raise RecoverableError(f"The host of `{ctx.instance.id}` said: {error}") from error
    except TimeoutError as error:
        raise RecoverableError(f"The host of `{ctx.instance.id}` took too long.") from error
    except OSError as error:
        raise RecoverableError(
            f"The connection with the host of `{ctx.instance.id}` ended: {error}."
        ) from error


@asynccontextmanager
async def _on_host(ctx: Context, config: AgentConfig) -> AsyncIterator[tuple[Host, HostFacts, Place]]:
    async with connected(config, ctx.logger.warning) as host:
        facts = host_scripts.read_facts(await host.run(host_scripts.probe(config.python)))
        yield host, facts, host_scripts.place(ctx.instance.id, facts, config.folder, config.service)


async def _install(ctx: Context, config: AgentConfig) -> None:
    name, login = ctx.instance.id, config.login
    ctx.logger.info("Installing agent `%s` on %s@%s, port %s.", name, login.user, login.host, login.port)
    async with _on_host(ctx, config) as (host, facts, place):
        if login.host_key is None:
            ctx.logger.info(
                "The host has the key %s; it is expected to have the same from here on.", host.host_key
            )
            ctx.instance.runtime_properties["agent_host_key"] = host.host_key
        python = _python(config, facts)
        agents = get_rest_client().agents
        agents.create(name, name)
        enrolled = agents.api.post(f"/agents/{name}/enrolment", data={})
        url = _url(str(enrolled["manager_url"]), host, login.host)
        options = list(config.options)
        await host.run(host_scripts.stop(place, facts), seconds=host_scripts.STOP_SECONDS + 30)
        await _store(host, place, "agent.pyz", agent_program.build())
        await _store(host, place, "token", str(enrolled["token"]).encode(), secret=True)
        if enrolled.get("manager_certificate"):
            await _store(host, place, "manager.pem", enrolled["manager_certificate"].encode())
            options += ["--ca-file", f"{place.folder}/manager.pem"]
        await _store(host, place, "run", host_scripts.run_file(place, python, url, options))
        await host.run(host_scripts.start(place, facts))
        how = (
            "a systemd unit" if facts.uses_systemd else "a process that is supervised, until the host reboots"
        )
        ctx.logger.info("Started the agent in %s with %s as %s.", place.folder, python, how)
        await _await_agent(ctx, host, place, url)


def _python(config: AgentConfig, facts: HostFacts) -> str:
    if facts.python is not None:
        return facts.python
    found = ", ".join(f"{path} ({'.'.join(map(str, version))})" for path, version in facts.pythons)
    raise NonRecoverableError(
        f"The host {config.login.host} has no Python 3.11 or newer, which the agent needs. Found: "
        f"{found or 'none'}. Install one there, or name it: `agent_config: {{extra: {{python: PATH}}}}`."
    )


def _url(url: str, host: Host, address: str) -> str:
    """Return where the agent finds the manager. Raises NonRecoverableError if it cannot be reached there."""
    parts = urlsplit(url)
    own = parts.hostname or ""
    if own in _ANY_ADDRESS:
        own = host.own_address
        shown = f"[{own}]" if ":" in own else own
        return urlunsplit(parts._replace(netloc=f"{shown}:{parts.port}"))
    if own.startswith(_LOOPBACK) and not (address.startswith(_LOOPBACK)):
        raise NonRecoverableError(
            f"The manager listens at {url}, where no other machine reaches it. Start it with `--host`, or "
            "set CLOUDWRIGHT_AGENT_URL to the URL that hosts can connect to."
        )
    return url


async def _store(host: Host, place: Place, name: str, content: bytes, *, secret: bool = False) -> None:
    try:
        await host.run(host_scripts.store(place, name, secret=secret), content, _UPLOAD_SECONDS)
    except CommandFailed as error:
        raise NonRecoverableError(f"The host does not store {place.folder}/{name}: {error}") from error


async def _await_agent(ctx: Context, host: Host, place: Place, url: str) -> None:
    agents, name = get_rest_client().agents, ctx.instance.id
    end = time.monotonic() + CONNECT_SECONDS
    while (agent := agents.get(name))["connection"] != "connected":
        if time.monotonic() > end:
            said = await host.run(host_scripts.last_log(place))
            raise RecoverableError(
                f"Agent `{name}` was started on its host, and did not connect to {url} within "
                f"{CONNECT_SECONDS:g} s. Its log ends with:\n{said}"
            )
        await asyncio.sleep(_LOOK_SECONDS)
    ctx.logger.info("Agent `%s` is connected (%s).", name, agent["system"])


async def _remove(ctx: Context, config: AgentConfig) -> None:
    async with _on_host(ctx, config) as (host, facts, place):
        await host.run(host_scripts.stop(place, facts), seconds=host_scripts.STOP_SECONDS + 30)
        await host.run(host_scripts.remove(place))
        ctx.logger.info("Removed agent `%s` from its host.", ctx.instance.id)


async def _restart(ctx: Context, config: AgentConfig) -> None:
    async with _on_host(ctx, config) as (host, facts, place):
        await host.run(host_scripts.stop(place, facts), seconds=host_scripts.STOP_SECONDS + 30)
        await host.run(host_scripts.start(place, facts))
        await _await_agent(ctx, host, place, "the manager")
