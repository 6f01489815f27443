"""Every setting of a manager, in one frozen object; the only reader of the environment.

Each field ``name`` is read from ``CLOUDWRIGHT_<NAME>`` if the command line does not give it.
``docs/reference/settings.md`` lists them all, which a test checks.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from cloudwright.errors import InvalidInput

PREFIX = "CLOUDWRIGHT_"


@dataclass(frozen=True, slots=True)
class Settings:
    """A manager's settings. Times are in seconds."""

    # Where everything of this manager is kept; one manager at a time may use it.
    home: Path
    # Where the REST API listens. Loopback unless someone decides otherwise; port 0 takes a free one.
    host: str = "127.0.0.1"
    port: int = 8100
    # PEM files of the server's certificate, with its chain, and of its key; empty means plain HTTP.
    tls_cert: str = ""
    tls_key: str = ""
    # Names of this machine, besides its own, under which the REST API may be reached; separated by commas.
    allowed_host: str = ""
    # An SQLAlchemy URL; empty means SQLite in the home directory.
    database_url: str = ""
    # The file of the keys that encrypt secrets; empty means `secrets.key` in the home.
    secrets_key: str = ""
    # After so many log-ins of a user that failed one after the other, the user is locked for so many seconds;
    # 0 of them never lock. Tokens are accepted all the time.
    max_failed_logins: int = 10
    login_lock: float = 900.0
    # How many workflow processes and how many operation processes may run at once.
    max_workflows: int = 50
    max_operations: int = 64
    # How long an owner may be silent before another manager takes its executions over.
    lease: float = 15.0
    # How long an operation has between SIGTERM and SIGKILL when it is killed.
    kill_grace: float = 5.0
    # End executions that an earlier life of this manager left, instead of running them again.
    no_resume: bool = False
    # Whether each operation gets a cgroup of its own: `auto` (if the manager may make them) or `off`.
    cgroups: str = "auto"
    # End by itself after this long with nothing to do and no client connected; 0 means never.
    idle_exit: float = 0.0
    # A file descriptor to which the line that says where the manager answers is written too; -1 means none.
    ready_fd: int = -1
    # How often the reconciler compares the database with what is running, besides every time it is woken.
    reconcile_interval: float = 2.0
    # Retries of operations if neither the operation nor the deployment says otherwise.
    task_retries: int = 60
    task_retry_interval: float = 15.0
    # How many times as long each further retry waits, up to an hour.
    task_retry_backoff: float = 1.0
    subgraph_retries: int = 0
    # The largest blueprint archive that is accepted, and how long and large its parsing may get (bytes,
    # seconds).
    max_archive: int = 1 << 30
    parse_memory: int = 2 << 30
    parse_timeout: float = 120.0
    # The memory that one workflow's process, and one operation's process and each program that it starts, may
    # write to (bytes); 0 means no limit. Address space that is only reserved does not count.
    workflow_memory: int = 4 << 30
    operation_memory: int = 4 << 30

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None, **given: Any) -> Settings:
        """Settings from ``given`` (None means not given), then the environment, then the defaults.

        Raises InvalidInput naming the variable that cannot be understood.
        """
        environ = os.environ if environ is None else environ
        values: dict[str, Any] = {}
        for field in fields(cls):
            if given.get(field.name) is not None:
                values[field.name] = given[field.name]
                continue
            variable = PREFIX + field.name.upper()
            if variable in environ:
                values[field.name] = _convert(variable, environ[variable], str(field.type))
        home = Path(values.get("home") or Path("~/.cloudwright")).expanduser().absolute()
        values["home"] = home
        values.setdefault("database_url", f"sqlite:///{home / 'cloudwright.db'}")
        if values.get("cgroups", "auto") not in ("auto", "off"):
            raise InvalidInput(f"{PREFIX}CGROUPS is `{values['cgroups']}`; it can be `auto` or `off`.")
        return cls(**values)


def _convert(variable: str, text: str, kind: str) -> Any:
    try:
        if kind == "int":
            return int(text)
        if kind == "float":
            return float(text)
    except ValueError as error:
        raise InvalidInput(
            f"{variable} is `{text}`, which is not a number. Set it to one, or unset it."
        ) from error
    if kind == "bool":
        if text.lower() not in ("0", "1", "false", "true", "no", "yes"):
            raise InvalidInput(f"{variable} is `{text}`; set it to 1 or 0, or unset it.")
        return text.lower() in ("1", "true", "yes")
    return Path(text) if kind == "Path" else text
