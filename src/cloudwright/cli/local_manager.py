"""The manager of the home directory: found if it runs, started in the background if it does not.

A running manager holds a lock on ``manager.lock`` for as long as it lives, so the lock, and no file that may
be left from before, shows whether there is one. What listens on its port must prove that it can read the
credentials file before they are sent to it. ``manager.start.lock`` keeps two commands from starting two.
"""

from __future__ import annotations

import fcntl
import hmac
import http.client
import json
import os
import secrets
import select
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from cloudwright.cli.failure import Failure
from cloudwright.client.target import API_PREFIX, DEFAULT_TENANT, Target
from cloudwright.model.manager_identity import IDENTITY_PATH, NONCE_DIGITS, identity_proof

#: Seconds after which a manager that was started for a user, and has nothing to do, ends by itself.
IDLE_EXIT = 900
#: Seconds that a manager may take until it answers: migrations of a large database included.
START_TIMEOUT = 60.0
#: Seconds that one which runs already, but does not answer, is given to come up or to finish shutting down.
SETTLE_TIMEOUT = 15.0
SETTLE_INTERVAL = 0.05
#: Bytes of a log with which no manager is started any more.
LARGEST_LOG = 10_000_000
#: Seconds that a manager may take to prove its identity, with the processor busy with other things.
PROOF_TIMEOUT = 10.0


class LocalManager:
    """The manager of one home directory."""

    def __init__(
        self,
        home: Path,
        *,
        announce: Callable[[str], None],
        command: tuple[str, ...] = (sys.executable, "-P", "-m", "cloudwright.cli.server"),
    ) -> None:
        self._home = home
        self._announce = announce
        self._command = command
        self.log = home / "manager.log"
        self._credentials = home / "credentials.json"

    def running(self) -> Target | None:
        """Return its address and credentials, or None if no manager responds; starts none."""
        target = self._read_credentials()
        if target is None or not _proves_identity(target):
            return None
        # The lock is looked at last: that takes it for a moment, and a manager that starts may need it.
        return target if self._is_locked() else None

    def ensure(self) -> Target:
        """Return its address and credentials, and start it first if it does not run. Raises Failure."""
        target = self.running()
        if target is not None:
            return target
        self._make_home()
        with self._start_lock():
            # Another command may have started it while this one waited for the lock.
            return self.running() or self._settle() or self._start()

    def _make_home(self) -> None:
        try:
            self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise Failure(
                f"The home directory {self._home} cannot be made: {error.strerror}.",
                "Name another with CLOUDWRIGHT_HOME.",
            ) from error

    def _is_locked(self) -> bool:
        try:
            descriptor = os.open(self._home / "manager.lock", os.O_RDONLY)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise Failure(f"{self._home / 'manager.lock'} cannot be read: {error.strerror}.") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def _read_credentials(self) -> Target | None:
        try:
            content = json.loads(self._credentials.read_text("utf-8"))
            return Target(
                content["url"],
                username=content.get("username"),
                password=content.get("password"),
                token=content.get("token"),
                tenant=content.get("tenant") or DEFAULT_TENANT,
                certificate=content.get("certificate"),
            )
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise Failure(
                f"{self._credentials} cannot be read: {error}.",
                "Remove it: the manager writes it again when it starts.",
            ) from error

    @contextmanager
    def _start_lock(self) -> Iterator[None]:
        path = self._home / "manager.start.lock"
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise Failure(
                f"{path} cannot be written: {error.strerror}.",
                f"Make {self._home} writable, or name another home with CLOUDWRIGHT_HOME.",
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _settle(self) -> Target | None:
        """Wait for a manager that holds the home but does not answer: it is coming up, or shutting down."""
        deadline = time.monotonic() + SETTLE_TIMEOUT
        while self._is_locked():
            target = self.running()
            if target is not None:
                return target
            if time.monotonic() > deadline:
                raise Failure(
                    f"A manager{self._holder()} holds {self._home} but does not answer, or not with a proof "
                    "that it can read that home's credentials.",
                    f"Its log is {self.log}. End it, then try again.",
                )
            time.sleep(SETTLE_INTERVAL)
        return None

    def _holder(self) -> str:
        try:
            text = (self._home / "manager.lock").read_text("utf-8").strip()
        except OSError:
            return ""
        return f" (pid {text})" if text.isdigit() else ""

    def _start(self) -> Target:
        self._rotate_log()
        begun = self._log_size()
        reader, writer = os.pipe()
        try:
            process = self._spawn(writer)
        finally:
            os.close(writer)
        try:
            answered = _read_line(reader, START_TIMEOUT)
        finally:
            os.close(reader)
        if not answered:
            failure = self._start_failure(process, begun)
            # It may have ended because another one was started by hand at the same moment: that one it is.
            target = self._settle() if process.poll() is not None else None
            if target is None:
                raise failure
            return target
        target = self._read_credentials()
        if target is None:
            raise Failure(
                f"The manager was started, but wrote no {self._credentials}.", f"Its log is {self.log}."
            )
        self._announce(f"Started a manager in the background (pid {process.pid}, home {self._home})")
        return target

    def _spawn(self, writer: int) -> subprocess.Popen[bytes]:
        arguments = [
            *self._command,
            "up",
            "--home",
            str(self._home),
            "--port",
            "0",
            "--idle-exit",
            str(IDLE_EXIT),
            "--ready-fd",
            str(writer),
            "--verbose",
        ]
        environment = dict(os.environ)
        if "PYTHONPATH" in environment:
            # It runs in another folder than this command, so what is relative here would lead elsewhere.
            parts = environment["PYTHONPATH"].split(os.pathsep)
            environment["PYTHONPATH"] = os.pathsep.join(os.path.abspath(part) for part in parts if part)
        with open(self.log, "ab", opener=_private) as log:
            return subprocess.Popen(
                arguments,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._home,
                env=environment,
                pass_fds=(writer,),
                start_new_session=True,
            )

    def _rotate_log(self) -> None:
        """Put a log that has become large aside, in the place of the one before it."""
        if self._log_size() > LARGEST_LOG:
            self.log.replace(self.log.with_name(f"{self.log.name}.1"))

    def _start_failure(self, process: subprocess.Popen[bytes], begun: int) -> Failure:
        code = process.poll()
        if code is None:
            try:
                code = process.wait(timeout=1)
            except subprocess.TimeoutExpired:
                return Failure(
                    f"The manager (pid {process.pid}) does not answer {START_TIMEOUT:.0f} s after its start.",
                    f"It may still come up; its log is {self.log}.",
                )
        ending = f"exit code {code}" if code >= 0 else f"signal {-code}"
        lines = self._last_lines(begun)
        said = f"The last lines of {self.log}:\n{lines}" if lines else f"Its log is {self.log}."
        return Failure(f"The manager could not be started ({ending}).", said)

    def _log_size(self) -> int:
        return self.log.stat().st_size if self.log.exists() else 0

    def _last_lines(self, begun: int, count: int = 10) -> str:
        """What it wrote since then: the error that ended it, if it logged one, or else the last lines."""
        with open(self.log, "rb") as file:
            file.seek(begun)
            lines = file.read().decode("utf-8", "replace").splitlines()
        told = [number for number, line in enumerate(lines) if line.startswith("Error: ")]
        if told:
            lines = [line for line in lines[told[-1] :] if not line.startswith("  | ")][:count]
        return "\n".join(f"  {line}" for line in lines[-count:])


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _read_line(descriptor: int, timeout: float) -> bytes:
    """Read a line from a pipe: what there is of it if the other end closed, nothing if it took too long."""
    deadline = time.monotonic() + timeout
    line = b""
    while not line.endswith(b"\n"):
        ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            return b""
        part = os.read(descriptor, 4096)
        if not part:
            return b""
        line += part
    return line


def _proves_identity(target: Target) -> bool:
    """Return whether what listens at the target can read its credentials file; no credentials are sent."""
    parts = urlsplit(target.url)
    if target.token is None or parts.hostname is None:
        return False
    nonce = secrets.token_hex(NONCE_DIGITS // 2)
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        trusted = ssl.create_default_context(cafile=target.certificate)
        connection = http.client.HTTPSConnection(
            parts.hostname, parts.port, timeout=PROOF_TIMEOUT, context=trusted
        )
    else:
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=PROOF_TIMEOUT)
    try:
        connection.request("GET", f"{API_PREFIX}{IDENTITY_PATH}?nonce={nonce}")
        proof = json.loads(connection.getresponse().read(4096))["proof"]
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
        return False
    finally:
        connection.close()
    expected = identity_proof(target.token, target.url, nonce)
    return isinstance(proof, str) and hmac.compare_digest(proof.encode(), expected.encode())
