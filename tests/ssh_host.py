"""A host of a test's own that is reached by SSH: sshd on this machine, with keys of its own."""

from __future__ import annotations

import getpass
import os
import select
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_CONFIG = """
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
PidFile none
AuthorizedKeysFile {folder}/key.pub
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
UsePAM no
"""
START_SECONDS = 60


@dataclass
class SshHost:
    """``key`` is the private key that signs ``user`` in; ``host_key`` the host's public one."""

    folder: Path
    port: int
    user: str
    process: subprocess.Popen[str] | None = None

    @property
    def key(self) -> str:
        return (self.folder / "key").read_text()

    @property
    def host_key(self) -> str:
        return (self.folder / "host_key.pub").read_text()

    def stop(self) -> None:
        """End the server; connections that stand stay."""
        if self.process is not None:
            self.process.terminate()
            self.process.communicate()
            self.process = None


def make_key(file: Path) -> None:
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(file)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


@contextmanager
def ssh_host(folder: Path, port: int) -> Iterator[SshHost]:
    """``folder`` gets the server's files, ``port`` is a free one."""
    program = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
    assert program, "there is no sshd: scripts/need-sshd installs it"
    folder.mkdir()
    make_key(folder / "host_key")
    make_key(folder / "key")
    if os.geteuid() == 0:
        # Where a server that root runs goes before someone has signed in.
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    (folder / "sshd_config").write_text(_CONFIG.format(folder=folder, port=port))
    process = subprocess.Popen(
        [program, "-D", "-e", "-f", str(folder / "sshd_config")],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    said = ""
    while "listening" not in said:
        ready, _, _ = select.select([process.stderr], [], [], START_SECONDS)
        line = process.stderr.readline() if ready else ""
        assert line, f"sshd did not start: {said}"
        said += line
    host = SshHost(folder, port, getpass.getuser(), process)
    try:
        yield host
    finally:
        host.stop()
