"""Connections to hosts by SSH: what keeps one from being made is told apart, and has an end."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cloudwright.child.errors import NonRecoverableError
from cloudwright.compat.cloudify_agent.installer.config import LOGIN_WAIT_SECONDS, AgentConfig, Login

if TYPE_CHECKING:
    import asyncssh

#: How long TCP, and the key exchange and the login, may take (seconds).
_CONNECT_SECONDS = 10.0
_LOGIN_SECONDS = 20.0
#: How long one command may take, if nothing else is said; and the pause between two attempts.
COMMAND_SECONDS = 60.0
_PAUSE = 2.0


class CommandFailed(Exception):
    """A command on the host failed; the message is what it printed."""


class Host:
    """A host that is connected."""

    def __init__(self, connection: asyncssh.SSHClientConnection) -> None:
        self._connection = connection

    async def run(
        self,
        command: str,
        given: bytes = b"",
        seconds: float = COMMAND_SECONDS,
    ) -> str:
        """Run a shell command with ``given`` as its input; returns its output.

        Raises CommandFailed, TimeoutError, OSError if the connection is lost.
        """
        import asyncssh  # noqa: PLC0415 - an optional extra

        try:
            async with asyncio.timeout(seconds):
                ran = await self._connection.run(command, input=given, encoding=None, check=False)
        except asyncssh.Error as error:
            raise ConnectionError(str(error)) from error
        output, said = (part.decode("utf-8", "replace").strip() for part in (ran.stdout, ran.stderr))  # type: ignore[union-attr]
        if ran.returncode != 0:
            raise CommandFailed((said or output or f"exit code {ran.returncode}")[-2000:])
        return output

    @property
    def host_key(self) -> str:
        """The fingerprint of the host's key."""
        key = self._connection.get_server_host_key()
        assert key is not None
        return key.get_fingerprint()

    @property
    def own_address(self) -> str:
        """The address by which this machine reaches the host."""
        return str(self._connection.get_extra_info("sockname")[0])


@asynccontextmanager
async def connected(config: AgentConfig, warn: Callable[[str], None]) -> AsyncIterator[Host]:
    """Connect to a host, which may take its time to start; ``warn`` is told why it is not connected yet.

    Raises NonRecoverableError with the last reason, and at once if the host has another key than expected.
    """
    if config.bastion is None:
        connection = await _connect(config.login, None, config.wait, warn)
    else:
        bastion = await _connect(config.bastion, None, config.wait, warn)
        try:
            connection = await _connect(config.login, bastion, config.wait, warn)
        except BaseException:
            bastion.close()
            raise
    async with connection:
        yield Host(connection)
    if config.bastion is not None:
        bastion.close()
        await bastion.wait_closed()


async def _connect(
    login: Login,
    tunnel: asyncssh.SSHClientConnection | None,
    wait: float,
    warn: Callable[[str], None],
) -> asyncssh.SSHClientConnection:
    options = _options(login, tunnel)
    end = time.monotonic() + wait
    said = ""
    while True:
        reason, is_login = await _attempt(login, options)
        if not isinstance(reason, str):
            return reason
        if is_login:
            # A machine that is being set up may make its user a little later; a wrong key stays wrong.
            end = min(end, time.monotonic() + LOGIN_WAIT_SECONDS)
        if reason != said:
            warn(f"{reason} Trying again.")
            said = reason
        if time.monotonic() + _PAUSE > end:
            raise NonRecoverableError(reason)
        await asyncio.sleep(_PAUSE)


async def _attempt(
    login: Login, options: dict[str, Any]
) -> tuple[asyncssh.SSHClientConnection, bool] | tuple[str, bool]:
    """Return a connection, or why there is none and whether that is the login.

    Raises NonRecoverableError for what does not change.
    """
    import asyncssh  # noqa: PLC0415 - an optional extra

    where = f"{login.host}, port {login.port},"
    try:
        return await asyncssh.connect(**options), False
    except asyncssh.HostKeyNotVerifiable as error:
        found = options["client_factory"].found
        raise NonRecoverableError(
            f"The host {where} has the key {found}, and not {login.host_key}: it is another machine, or "
            "was made again. Nothing was sent to it."
        ) from error
    except asyncssh.PermissionDenied:
        how = " and ".join(name for name in ("key", "password") if getattr(login, name))
        return f"The host {where} does not accept the user `{login.user}` with this {how}.", True
    except TimeoutError:
        return f"The host {where} does not answer.", False
    except ConnectionRefusedError:
        return f"The host {where} refuses the connection: no SSH server listens there.", False
    except socket.gaierror as error:
        return f"The host `{login.host}` has no address: {error.strerror}.", False
    except (OSError, asyncssh.Error) as error:
        return f"The host {where} cannot be connected to: {str(error) or type(error).__name__}.", False


def _options(login: Login, tunnel: asyncssh.SSHClientConnection | None) -> dict[str, Any]:
    import asyncssh  # noqa: PLC0415 - an optional extra

    class Client(asyncssh.SSHClient):
        found = ""

        def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
            Client.found = key.get_fingerprint()
            return login.host_key is None or " ".join(login.host_key.split()[:2]) in _names(key)

    try:
        keys = None if login.key is None else [_private_key(login.key)]
    except (OSError, asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
        raise NonRecoverableError(
            f"The private key of `{login.user}` at {login.host} cannot be read: {error}. It must be a key "
            "without a passphrase, or the path of its file on the manager."
        ) from error
    return {
        "host": login.host,
        "port": login.port,
        "username": login.user,
        "password": login.password,
        "client_keys": keys,
        # Everything is in the node's properties: this machine's user has no say.
        "config": None,
        "agent_path": None,
        "known_hosts": b"",
        "client_factory": Client,
        "tunnel": tunnel,
        "connect_timeout": _CONNECT_SECONDS,
        "login_timeout": _LOGIN_SECONDS,
        "keepalive_interval": 5,
    }


def _private_key(given: str) -> asyncssh.SSHKey:
    import asyncssh  # noqa: PLC0415 - an optional extra

    if "PRIVATE KEY" in given:
        return asyncssh.import_private_key(given)
    return asyncssh.read_private_key(Path(given).expanduser())


def _names(key: asyncssh.SSHKey) -> set[str]:
    """Return what a key may be called: its fingerprint, and itself as files of OpenSSH have it."""
    kind, text = key.export_public_key().decode().split()[:2]
    return {key.get_fingerprint(), f"{kind} {text}", text}
