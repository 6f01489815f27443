"""What an operation, a client or a small machine may do to a manager, and what is left of it afterwards."""

from __future__ import annotations

import json
import resource
import signal
import stat
from contextlib import suppress
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from manager_process import ManagerProcess, alive, await_death, running_manager

from cloudwright.client.api import Client
from cloudwright.client.errors import ApiError, ConnectionFailed, Unauthorized
from cloudwright.client.target import API_PREFIX, Target


def attack(manager: ManagerProcess, how: str, **more: object) -> str:
    kwargs = {"how": how, **more}
    return manager.run("chain", steps=1, operation="sleeper.attack", kwargs=kwargs)


def request(manager: ManagerProcess, method: str, path: str, body: object) -> HTTPConnection:
    """Send a request; returns the connection on which its answer will come."""
    target = manager.client.target
    place = urlsplit(target.url)
    assert place.hostname is not None
    assert target.token is not None
    connection = HTTPConnection(place.hostname, place.port)
    headers = {"Authentication-Token": target.token, "Content-Type": "application/json"}
    connection.request(method, API_PREFIX + path, json.dumps(body), headers)
    return connection


def still_works(manager: ManagerProcess) -> None:
    assert manager.end(manager.run("chain", steps=1))["status"] == "terminated"


@pytest.mark.usefixtures("event_log")
class TestOperations:
    def test_it_gets_no_credential_and_no_descriptor_of_the_manager(self, manager: ManagerProcess) -> None:
        id = attack(manager, "inspect")
        assert manager.end(id)["status"] == "terminated"
        [operation] = manager.operations(id)
        seen: dict[str, Any] = manager.client.operations.get(operation["id"])["result"]
        credentials = (manager.home / "credentials.json").read_text()
        for name, value in seen["environment"].items():
            assert len(value) < 20 or value not in credentials, name
        assert not [name for name in seen["environment"] if "PASSWORD" in name or "TOKEN" in name]
        assert not [name for name in seen["environment"] if "DATABASE" in name]
        assert str(manager.home) not in seen["arguments"]
        inside = [target for target in seen["descriptors"].values() if target.startswith(str(manager.home))]
        assert not [target for target in inside if target.endswith((".db", "-wal", ".json", "lock"))]

    def test_output_without_end_does_not_hold_up_a_force_or_a_kill(self, manager: ManagerProcess) -> None:
        id = attack(manager, "print_much")
        _, _, pid = manager.await_logged("start", "print_much")
        manager.cancel(id, "force-cancel")
        assert manager.end(id)["status"] == "cancelled"
        assert alive(pid)
        still_works(manager)
        manager.cancel(id, "kill")
        await_death(pid)

    @pytest.mark.parametrize("how", ["return_much", "keep_much"])
    def test_what_no_frame_holds_fails_the_operation_alone(self, manager: ManagerProcess, how: str) -> None:
        execution = manager.end(attack(manager, how, size=65 << 20))
        assert execution["status"] == "failed"
        assert "MiB" in execution["error"] or "bytes" in execution["error"], execution["error"]
        still_works(manager)

    def test_a_kill_ends_hundreds_of_sessions(self, manager: ManagerProcess) -> None:
        id = attack(manager, "fork_much", size=300)
        manager.await_logged("start", "fork_much")
        forks = [line[-1] for line in manager.logged("fork")]
        manager.cancel(id, "kill")
        assert manager.end(id)["status"] == "cancelled"
        assert [pid for pid in forks if alive(pid)] == []


def test_requests_to_a_stopped_manager_are_carried_out_when_it_goes_on(tmp_path: Path) -> None:
    with running_manager(tmp_path, kill_grace=1) as manager:
        ids = [manager.run("ignoring", steps=1, seconds=600) for _ in range(4)]
        assert manager.process is not None
        manager.process.send_signal(signal.SIGSTOP)
        # The kernel takes connections and what is sent over them, as far as its queues go.
        waiting = [request(manager, "POST", f"/executions/{id}", {"action": "kill"}) for id in ids]
        manager.process.send_signal(signal.SIGCONT)
        for connection in waiting:
            assert connection.getresponse().status == 200
            connection.close()
        for id in ids:
            assert manager.end(id)["status"] == "cancelled"


def test_a_manager_that_has_no_descriptor_left_works_again_once_it_has(tmp_path: Path) -> None:
    with running_manager(tmp_path, kill_grace=1) as manager:
        still_works(manager)
        assert manager.process is not None
        before = resource.prlimit(manager.process.pid, resource.RLIMIT_NOFILE)
        open_now = len(list(Path(f"/proc/{manager.process.pid}/fd").iterdir()))
        resource.prlimit(manager.process.pid, resource.RLIMIT_NOFILE, (open_now + 2, before[1]))
        ids = []
        for _ in range(6):
            with suppress(ApiError, ConnectionFailed):  # refused clearly is as good
                ids.append(manager.run("chain", "sleeper1", steps=1))
        resource.prlimit(manager.process.pid, resource.RLIMIT_NOFILE, before)
        for id in ids:
            assert manager.end(id)["status"] in ("terminated", "failed")
        still_works(manager)


def test_no_credential_is_in_the_log_and_none_is_for_others_to_read(tmp_path: Path) -> None:
    with running_manager(tmp_path) as manager:
        target = manager.client.target
        for wrong in (
            Target(url=target.url, username="admin", password="not-this-password"),
            Target(url=target.url, token="not-this-token"),
        ):
            with Client(wrong) as client, pytest.raises(Unauthorized):
                client.executions.list()
        still_works(manager)
        assert target.token is not None
        for secret in (target.token, "not-this-password", "not-this-token"):
            assert secret not in manager.log()
        assert stat.S_IMODE(manager.home.stat().st_mode) == 0o700
        for file in manager.home.iterdir():
            harmless = file.is_dir() or file.name == "manager.name"
            assert harmless or not stat.S_IMODE(file.stat().st_mode) & 0o077, file
