"""An SSH server of a test's own, for the user who runs the test, with a key of its own.

It has this machine's files and another network: its loopback is not the test's, as on another machine, so a
port that a session forwards is free there.
"""

from __future__ import annotations

import getpass
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_CONFIG = """
HostKey {folder}/host_key
PidFile none
AuthorizedKeysFile {folder}/key.pub
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
UsePAM no
Subsystem sftp internal-sftp
"""
#: Listens in this network, and serves each connection in another one. Ends with its standard input.
_LISTENER = """
import ctypes, fcntl, os, select, signal, socket, struct, subprocess, sys

CLONE_NEWUSER, CLONE_NEWNET, SIOCSIFFLAGS, IFF_UP = 0x10000000, 0x40000000, 0x8914, 1
listening = socket.create_server(("127.0.0.1", 0))
flags = CLONE_NEWNET if os.geteuid() == 0 else CLONE_NEWNET | CLONE_NEWUSER
if ctypes.CDLL(None, use_errno=True).unshare(flags) < 0:
    sys.exit(f"no network of its own: {os.strerror(ctypes.get_errno())}")
with socket.socket() as one:
    fcntl.ioctl(one, SIOCSIFFLAGS, struct.pack("16sh", b"lo", IFF_UP).ljust(40, b"\\0"))
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
print(listening.getsockname()[1], flush=True)
while True:
    ready, _, _ = select.select([listening, sys.stdin], [], [])
    if sys.stdin in ready:
        os.killpg(0, signal.SIGTERM)
    connection, _ = listening.accept()
    with connection:
        subprocess.Popen([*sys.argv[1:], "-i"], stdin=connection, stdout=connection)
"""


@dataclass(frozen=True)
class Sshd:
    port: int
    user: str
    #: The file with the key that may sign in.
    key: Path

    @property
    def private_key(self) -> str:
        return self.key.read_text()


@contextmanager
def running_sshd(folder: Path) -> Iterator[Sshd]:
    """``folder`` gets the server's files."""
    program = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
    assert program, "there is no sshd: scripts/need-sshd installs it"
    for name in ("host_key", "key"):
        path = str(folder / name)
        command = ["ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-m", "PEM", "-N", "", "-f", path]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    if os.geteuid() == 0:
        # Where a server that root runs goes before someone has signed in.
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    config = folder / "sshd_config"
    config.write_text(_CONFIG.format(folder=folder))
    listener = subprocess.Popen(
        [sys.executable, "-c", _LISTENER, program, "-e", "-f", config],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=(folder / "log").open("w"),
        text=True,
        start_new_session=True,
    )
    assert listener.stdout is not None
    port = listener.stdout.readline()
    try:
        assert port, f"sshd did not start: {(folder / 'log').read_text()}"
        yield Sshd(int(port), getpass.getuser(), folder / "key")
    finally:
        listener.communicate()
