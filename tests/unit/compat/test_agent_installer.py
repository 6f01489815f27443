"""Installing agents over SSH: what is read of a host, what is run on it, and how it is connected to."""

from __future__ import annotations

import asyncio
import configparser
import re
import socket
import subprocess
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from cloudwright.child.errors import NonRecoverableError
from cloudwright.compat.cloudify_agent.installer import ssh
from cloudwright.compat.cloudify_agent.installer.config import AgentConfig, Login
from cloudwright.operation import host_scripts
from cloudwright.operation.host_scripts import HostFacts, Place

ROOT = HostFacts("Linux x86_64", "root", True, "/root", True, False)
USER = HostFacts("Linux x86_64", "debian", False, "/home/debian", True, False)
PLACE = Place("vm_1", "/var/lib/a b", "cloudwright-agent-vm_1", "")


def shell(script: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["sh", "-c", script], input=given, capture_output=True, timeout=60)


def test_a_host_is_read_as_it_is() -> None:
    facts = host_scripts.read_facts(shell(host_scripts.probe(None)).stdout.decode())
    assert facts.system.startswith("Linux")
    assert facts.python is not None
    assert facts.home
    assert host_scripts.read_facts("python 3.9.2 /usr/bin/python3\n").python is None
    found = "python 3.9.2 /usr/bin/python3\npython 3.12.1 /opt/my python\n"
    assert host_scripts.read_facts(found).python == "/opt/my python"


def test_the_user_decides_where_it_lies_and_what_runs_it() -> None:
    assert host_scripts.place("vm_1", ROOT, None, None).folder == "/var/lib/cloudwright-agent/vm_1"
    place = host_scripts.place("vm_1", USER, None, "my agent")
    assert (place.folder, place.unit) == ("/home/debian/.cloudwright-agent/vm_1", "my-agent")
    assert "systemctl" in host_scripts.start(PLACE, ROOT)
    assert "systemctl" not in host_scripts.start(PLACE, USER)


def test_its_unit_leaves_daemons_alone_and_starts_it_again() -> None:
    unit = re.search(r"(?s)\[Unit\].*WantedBy=\S+", host_scripts.start(PLACE, ROOT))
    assert unit is not None
    read = configparser.ConfigParser(strict=True)
    read.optionxform = str  # type: ignore[assignment,method-assign]
    read.read_string(unit[0])
    service = read["Service"]
    assert service["KillMode"] == "process"
    assert (service["Delegate"], service["OOMPolicy"], service["Restart"]) == ("yes", "continue", "always")
    assert service["RestartPreventExitStatus"] == "76"
    assert read["Unit"]["StartLimitIntervalSec"] == "0"


def test_files_are_stored_whole_and_secrets_for_nobody_else(tmp_path: Path) -> None:
    place = Place("vm", f"{tmp_path}/it's here", "unit", "")
    assert shell(host_scripts.store(place, "token", secret=True), b"t").returncode == 0
    stored = tmp_path / "it's here" / "token"
    assert stored.read_bytes() == b"t"
    assert stored.stat().st_mode & 0o077 == 0
    assert shell(host_scripts.stop(place, USER)).returncode == 0
    assert shell(host_scripts.remove(place)).returncode == 0
    assert shell(host_scripts.stop(place, USER)).returncode == 0
    assert not stored.parent.exists()


def config(port: int, **login: Any) -> AgentConfig:
    given = {"user": "u", "password": "right", "host_key": None} | login
    return AgentConfig(Login("127.0.0.1", port, **given), None, 0.1, None, None, None, ())


class Server(asyncssh.SSHServer):
    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == ("u", "right")


async def said(process: asyncssh.SSHServerProcess[str]) -> None:
    process.stdout.write(f"ran {process.command}")
    process.exit(0)


async def connect(**login: Any) -> tuple[str, str]:
    """Connect to a server; return what a command said, and the key that the server has."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    options: dict[str, Any] = {"server_factory": Server, "server_host_keys": [key]}
    async with asyncssh.listen("127.0.0.1", 0, process_factory=said, **options) as server:
        wanted = config(server.get_port(), **login)
        async with ssh.connected(wanted, lambda _: None) as host:
            return await host.run("command"), host.host_key


def test_a_password_and_the_key_of_the_host() -> None:
    ran, key = asyncio.run(connect())
    assert ran == "ran command"
    assert key.startswith("SHA256:")
    with pytest.raises(NonRecoverableError, match=r"does not accept the user `u` with this password"):
        asyncio.run(connect(password="wrong"))
    with pytest.raises(NonRecoverableError, match=r"has the key SHA256:.*, and not SHA256:other"):
        asyncio.run(connect(host_key="SHA256:other"))


def test_what_keeps_a_host_from_being_reached_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    async def try_it(port: int, **login: Any) -> None:
        async with ssh.connected(config(port, **login), lambda _: None):
            raise AssertionError("connected")

    monkeypatch.setattr(ssh, "_LOGIN_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(NonRecoverableError, match="cannot be connected to: Login timeout expired"):
            asyncio.run(try_it(port))
        with pytest.raises(NonRecoverableError, match=r"private key of `u` at 127\.0\.0\.1 cannot be read"):
            asyncio.run(try_it(port, key="/no/such/file"))
    with pytest.raises(NonRecoverableError, match="refuses the connection"):
        asyncio.run(try_it(port))
