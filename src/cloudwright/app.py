"""The composition root: picks the store and the bus, starts the services, serves the REST API, and ends
them in order.

Loading is most of a start, so it is done in the order of need. The zygotes, processes of their own, start
while this one loads the manager; what an earlier life left is carried on while the REST API is loaded, which
takes as long as all the rest.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import importlib
import logging
import os
import signal
import socket
import sys
import time
from typing import TYPE_CHECKING, Any

import uvloop

import cloudwright
from cloudwright.bus.local import LocalBus
from cloudwright.errors import Unavailable
from cloudwright.first_run import check_transport, manager_name, prepare_home, raise_limits
from cloudwright.log_format import configure_logging
from cloudwright.manager.plugin_environments import PluginEnvironments
from cloudwright.manager_lock import manager_lock
from cloudwright.process.cgroups import Cgroups, CgroupsUnavailable
from cloudwright.service_notify import ServiceNotifier
from cloudwright.settings import Settings, unknown_variables

if TYPE_CHECKING:
    from cloudwright.api.server import Server
    from cloudwright.manager.child_rpc import Rest
    from cloudwright.manager.execution_context import ExecutionSnapshot
    from cloudwright.manager.manager import Manager
    from cloudwright.model.execution import Caller
from cloudwright.model.frames.methods import RestRequest

#: How long an end in good order may take (seconds).
CLOSE_SECONDS = 30.0
#: The exit code of a manager whose database another one took over.
LOST_DATABASE = 75

log = logging.getLogger(__name__)


def run(settings: Settings) -> int:
    """Run a manager until SIGTERM, SIGINT or the end of its idle time; returns the exit code.

    Raises IllegalAction if another manager uses the same home or the home cannot be used, and Unavailable if
    the port is taken.
    """
    logging.getLogger("alembic").setLevel(logging.WARNING)
    configure_logging(settings.log_format)
    for warning in unknown_variables(os.environ):
        log.warning("%s", warning)
    notifier = ServiceNotifier()
    check_transport(settings)
    prepare_home(settings.home)
    with manager_lock(settings.home):
        raise_limits()
        return uvloop.run(_serve(settings, notifier))


async def _serve(settings: Settings, notifier: ServiceNotifier) -> int:
    listening = _listen(settings)
    environments = PluginEnvironments(settings.home, _cgroups(settings), idle=settings.plugin_idle)
    starting = asyncio.ensure_future(environments.start())
    try:
        service = await _loaded("cloudwright.manager.manager")
        name = manager_name(settings.home)
        store = await asyncio.to_thread(
            service.Store.open_exclusively, settings.database_url, name, _end_at_once
        )
        try:
            await starting
            bus = LocalBus()
            manager = service.Manager(settings, store, bus, environments, name=name)
            await _manage(settings, manager, bus, listening, notifier)
        finally:
            store.close()
    finally:
        starting.cancel()
        await environments.close()
        listening.close()
    return 0


def _cgroups(settings: Settings) -> Cgroups | None:
    if settings.cgroups == "off":
        return None
    try:
        return Cgroups.open(settings.home)
    except CgroupsUnavailable as error:
        log.info("operations get no cgroups: %s", error)
        return None


def _end_at_once(reason: str) -> None:
    """End this process, and with it its zygotes and all that they started."""
    log.critical("%s This manager ends, with everything that it runs.", reason)
    os._exit(LOST_DATABASE)


async def _manage(
    settings: Settings,
    manager: Manager,
    bus: LocalBus,
    listening: socket.socket,
    notifier: ServiceNotifier,
) -> None:
    scheme = "https" if settings.tls_cert else "http"
    url = f"{scheme}://{_display(settings.host)}:{listening.getsockname()[1]}"
    answering: asyncio.Future[Server] = asyncio.get_running_loop().create_future()
    manager.rpc.rest = _ask_inside(answering)
    manager.agents.url, manager.agents.has_url = settings.agent_url or url, bool(settings.agent_url)
    try:
        await manager.accounts.bootstrap(settings.home, url, settings.tls_cert or None)
        await manager.start()
        mount = (await _loaded("cloudwright.console.mount")).ConsoleMount
        server: Server = (await _loaded("cloudwright.api.server")).Server(manager, mount)
        # What is loaded by now stays: no reason to walk through it at every collection, nor once now, when
        # what an earlier life left is being carried on already.
        gc.freeze()
        gc.enable()
        serving = await server.start_serving(listening)
        answering.set_result(server)
        # Before its address is announced: otherwise a signal would end it without an orderly shutdown.
        end = _end_signal()
        _announce(settings, url)
        notifier.tell("READY=1", f"STATUS=Answers at {url}")
        living = asyncio.ensure_future(notifier.keep_alive())
        await _until(end, manager, server, settings.idle_exit)
        notifier.tell("STOPPING=1", "STATUS=Ending what runs")
        living.cancel()
        # Streams that follow an execution end now, so that the server need not wait for their readers.
        await bus.close()
        server.should_exit = True
        await serving
    finally:
        # If the API never starts, nothing may wait for it for ever, least of all the shutdown.
        answering.cancel()
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await manager.close()
        except TimeoutError:
            # Whatever still runs ends with this process: its zygotes see to that.
            log.error("not everything could be ended in good order within %s s", CLOSE_SECONDS)
        await bus.close()


async def _loaded(name: str) -> Any:
    """A module that is not loaded before it is needed, loaded by a thread: what runs already continues."""
    return await asyncio.to_thread(importlib.import_module, name)


def _ask_inside(answering: asyncio.Future[Server]) -> Rest:
    """Operations of an earlier run may ask before the API is there: then they wait for it."""

    async def ask(snapshot: ExecutionSnapshot, caller: Caller, asked: RestRequest) -> dict[str, Any]:
        execution = snapshot.execution
        inside = (await asyncio.shield(answering)).internal_client
        return await inside.request(execution.created_by, execution.tenant, asked, caller=caller)

    return ask


def _end_signal() -> asyncio.Event:
    """Return an event that SIGTERM and SIGINT set from now on."""
    end = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, end.set)
    return end


async def _until(end: asyncio.Event, manager: Manager, server: Server, idle_exit: float) -> None:
    """Wait for the signal to end, or until the manager was idle for so long."""
    if idle_exit <= 0:
        await end.wait()
        return
    seen, since = -1, time.monotonic()
    while not end.is_set():
        if manager.busy or server.has_connections or server.request_count != seen:
            seen, since = server.request_count, time.monotonic()
        elif time.monotonic() - since >= idle_exit:
            log.info("nothing to do for %s s: ending", idle_exit)
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(5.0, idle_exit)):
                await end.wait()


def _announce(settings: Settings, url: str) -> None:
    line = (
        f"Cloudwright {cloudwright.__version__} answers at {url} (home: {settings.home}, stop with Ctrl-C)\n"
    )
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(line)
        sys.stdout.flush()
    if settings.ready_fd >= 0:
        with contextlib.suppress(BrokenPipeError):
            os.write(settings.ready_fd, line.encode())
        os.close(settings.ready_fd)


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((settings.host, settings.port))
    except OSError as error:
        listening.close()
        taken = isinstance(error, PermissionError) or error.errno == errno.EADDRINUSE
        way = "--port (0 takes a free one)" if taken else "--host (127.0.0.1 is this machine alone)"
        raise Unavailable(
            f"Cannot listen on {settings.host} port {settings.port}: {error.strerror}. "
            f"Choose another with {way}."
        ) from error
    listening.listen(1024)
    listening.setblocking(False)
    return listening


def _display(host: str) -> str:
    return f"[{host}]" if ":" in host else host
