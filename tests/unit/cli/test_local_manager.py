"""The manager in the background: found, started once, replaced when it died, and told about when it will not
start.

The managers here are small programs that keep a manager's promises: they hold the lock, write the
credentials, listen, and say so on the descriptor that they were given.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from cfy_command import CFY

from cloudwright.cli import local_manager
from cloudwright.cli.failure import Failure
from cloudwright.cli.local_manager import LocalManager
from cloudwright.model.manager_identity import identity_proof

GOOD = """
import fcntl, json, os, pathlib, socket, sys
given = dict(zip(sys.argv[2::2], sys.argv[3::2]))
home = pathlib.Path(given["--home"])
lock = open(home / "manager.lock", "a+")
fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
with open(home / "starts", "a") as starts:
    starts.write(f"{os.getpid()} {os.getcwd()} {os.getsid(0)} {sys.argv[1:]}\\n")
lock.truncate(0)
lock.write(str(os.getpid()))
lock.flush()
listening = socket.create_server(("127.0.0.1", 0))
url = f"http://127.0.0.1:{listening.getsockname()[1]}"
(home / "credentials.json").write_text(json.dumps({"url": url, "username": "admin", "token": "t"}))
print("it runs", flush=True)
os.write(int(given["--ready-fd"]), f"answers at {url}\\n".encode())
os.close(int(given["--ready-fd"]))
sys.stdin.read()
from cloudwright.model.manager_identity import identity_proof
while True:
    connection = listening.accept()[0]
    request = connection.recv(4096).decode()
    if "/identity?nonce=" in request:
        nonce = request.partition("nonce=")[2].split()[0]
        body = json.dumps({"proof": identity_proof("t", url, nonce)})
        connection.sendall(f"HTTP/1.0 200 OK\\r\\nContent-Length: {len(body)}\\r\\n\\r\\n{body}".encode())
    connection.close()
"""
IMPOSTOR = GOOD.replace('"proof": identity_proof("t", url, nonce)', '"proof": "0" * 64')
FAILS = """
import sys
print("starting")
print("Error: The database is broken.\\n  Mend it.\\n  | a trace", file=sys.stderr)
sys.exit(3)
"""

Manager = Callable[[str], LocalManager]


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def manager(tmp_path: Path, told: list[str]) -> Iterator[Manager]:
    home = tmp_path / "home"

    def make(program: str) -> LocalManager:
        path = tmp_path / "manager.py"
        path.write_text(program)
        return LocalManager(home, announce=told.append, command=(sys.executable, str(path)))

    yield make
    for pid in started(home):
        end(pid)


def started(home: Path) -> list[int]:
    file = home / "starts"
    return [int(line.split()[0]) for line in file.read_text().splitlines()] if file.exists() else []


def end(pid: int) -> None:
    """Kill a manager and wait until it is gone: it is a child of this process."""
    try:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    except (ProcessLookupError, ChildProcessError):
        pass


def test_it_is_started_in_the_background_and_found_from_then_on(
    manager: Manager, tmp_path: Path, told: list[str]
) -> None:
    home = tmp_path / "home"
    local = manager(GOOD)
    assert local.running() is None
    target = local.ensure()
    assert (target.username, target.token, target.tenant) == ("admin", "t", "default_tenant")
    [pid] = started(home)
    assert told == [f"Started a manager in the background (pid {pid}, home {home})"]
    _, cwd, session, arguments = (home / "starts").read_text().rstrip().split(" ", 3)
    assert (cwd, session) == (str(home), str(pid))
    assert arguments.startswith(
        f"['up', '--home', '{home}', '--port', '0', '--idle-exit', '900', '--ready-fd'"
    )
    assert (home / "manager.log").read_text() == "it runs\n"
    assert (home / "manager.log").stat().st_mode & 0o777 == 0o600
    assert home.stat().st_mode & 0o777 == 0o700
    assert (local.ensure(), local.running()) == (target, target)
    assert len(started(home)) == len(told) == 1


def test_what_holds_the_lock_and_the_port_but_not_the_credentials_gets_none(
    manager: Manager, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    local = manager(IMPOSTOR)
    monkeypatch.setattr(local_manager, "SETTLE_TIMEOUT", 0.2)
    local.ensure()  # it is started by this command, and so is no impostor yet
    assert local.running() is None
    with pytest.raises(Failure, match="not with a proof"):
        local.ensure()
    assert len(started(tmp_path / "home")) == 1


def test_many_at_once_start_one(manager: Manager, tmp_path: Path) -> None:
    local = manager(GOOD)
    with ThreadPoolExecutor(8) as pool:
        targets = set(pool.map(lambda _: local.ensure(), range(8)))
    assert len(targets) == 1
    assert len(started(tmp_path / "home")) == 1


def test_one_that_died_is_replaced(manager: Manager, tmp_path: Path) -> None:
    local = manager(GOOD)
    first = local.ensure()
    end(started(tmp_path / "home")[0])
    assert local.running() is None
    assert local.ensure() != first
    assert len(started(tmp_path / "home")) == 2


def test_something_else_on_the_port_that_it_had_is_not_taken_for_it(
    manager: Manager, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setattr(local_manager, "PROOF_TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as other:
        stale = f"http://127.0.0.1:{other.getsockname()[1]}"
        (home / "credentials.json").write_text(json.dumps({"url": stale, "token": "old"}))
        (home / "manager.lock").write_text("4711")
        local = manager(GOOD)
        assert local.running() is None
        assert not received(other), "credentials were sent to it"
        monkeypatch.undo()
        other.close()
        assert local.ensure().url != stale


def received(listening: socket.socket) -> bool:
    """Whether a request with a token has come."""
    connection, _ = listening.accept()
    with connection:
        return b"token" in connection.recv(65536).lower()


class Proving(BaseHTTPRequestHandler):
    """Answers as the manager with the token ``t``."""

    def do_GET(self) -> None:
        nonce = self.path.partition("nonce=")[2]
        address: Any = self.server.server_address
        url = f"http://127.0.0.1:{address[1]}"
        body = json.dumps({"proof": identity_proof("t", url, nonce)}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def test_one_that_is_still_coming_up_is_waited_for(
    manager: Manager, tmp_path: Path, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It holds the lock already, as one that was started by hand does before it answers."""
    home = tmp_path / "home"
    home.mkdir()
    local = manager(GOOD)
    with (
        open(home / "manager.lock", "a+") as lock,
        ThreadingHTTPServer(("127.0.0.1", 0), Proving, bind_and_activate=False) as coming,
    ):
        fcntl.flock(lock, fcntl.LOCK_EX)
        coming.server_bind()
        url = f"http://127.0.0.1:{coming.server_address[1]}"
        (home / "credentials.json").write_text(json.dumps({"url": url, "token": "t"}))
        waited = []

        def come_up(seconds: float) -> None:
            waited.append(seconds)
            coming.server_activate()
            Thread(target=coming.serve_forever, daemon=True).start()

        with monkeypatch.context() as patch:
            patch.setattr("cloudwright.cli.local_manager.time.sleep", come_up)
            assert local.ensure().url == url
        coming.shutdown()
    assert (len(waited), told) == (1, [])


def test_one_that_never_answers_is_told_about(
    manager: Manager, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setattr(local_manager, "SETTLE_TIMEOUT", 0.0)
    with open(home / "manager.lock", "a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write("4711")
        lock.flush()
        with pytest.raises(Failure) as caught:
            manager(GOOD).ensure()
    assert "(pid 4711) holds" in caught.value.what
    assert "manager.log" in caught.value.hint


def test_one_that_fails_says_why(manager: Manager, tmp_path: Path) -> None:
    with pytest.raises(Failure) as caught:
        manager(FAILS).ensure()
    assert caught.value.what == "The manager could not be started (exit code 3)."
    assert caught.value.hint.splitlines() == [
        f"The last lines of {tmp_path / 'home' / 'manager.log'}:",
        "  Error: The database is broken.",
        "    Mend it.",
    ]
    with pytest.raises(Failure) as caught:
        manager("import os\nprint('a\\nb', flush=True)\nos.kill(os.getpid(), 9)").ensure()
    assert "(signal 9)" in caught.value.what
    assert caught.value.hint.splitlines()[1:] == ["  a", "  b"]


def test_one_that_takes_too_long_is_told_about(
    manager: Manager, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(local_manager, "START_TIMEOUT", 0.2)
    slow = GOOD.replace("listening =", "import signal\nsignal.pause()\nlistening =")
    with pytest.raises(Failure, match="does not answer 0 s after its start"):
        manager(slow).ensure()


def test_credentials_that_cannot_be_read(manager: Manager, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "credentials.json").write_text("{")
    with pytest.raises(Failure, match=r"credentials\.json cannot be read"):
        manager(GOOD).ensure()


def test_a_home_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Failure, match="cannot be made: Not a directory"):
        LocalManager(tmp_path / "file" / "home", announce=print).ensure()


def test_cfy_itself_starts_it_and_says_so_on_standard_error(manager: Manager, tmp_path: Path) -> None:
    """The fake one speaks no HTTP: it is enough that it was started, and that the error names its log."""
    manager(GOOD)
    home = tmp_path / "home"
    program = "import sys\nfrom cloudwright.cli import local_manager, main\n" + (
        f"local_manager.LocalManager.__init__.__kwdefaults__['command'] = ({sys.executable!r}, {str(tmp_path / 'manager.py')!r})\n"  # noqa: E501
    )
    environ = {key: value for key, value in os.environ.items() if not key.startswith("CLOUDWRIGHT_")}
    done = subprocess.run(
        [CFY[0], "-c", program + "main.main()", "blueprints", "delete", "x"],
        env={**environ, "CLOUDWRIGHT_HOME": str(home)},
        capture_output=True,
        text=True,
    )
    [pid] = started(home)
    lines = done.stderr.splitlines()
    assert lines[0] == f"Started a manager in the background (pid {pid}, home {home})"
    assert lines[1].startswith("Error: The connection to the manager at http://127.0.0.1:")
    assert "may or may not have been applied" in lines[2]
    assert str(home / "manager.log") in lines[3]
    assert (done.returncode, done.stdout) == (1, "")
    os.kill(pid, signal.SIGKILL)
