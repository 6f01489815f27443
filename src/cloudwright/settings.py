"""Every setting of a manager, in one frozen object; the only reader of the environment and of the file.

Each field ``name`` comes from the command line, or else from ``CLOUDWRIGHT_<NAME>``, or else from ``name`` in
``cloudwright.toml``. ``docs/reference/settings.md`` lists them all, which a test checks.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from cloudwright.errors import InvalidInput

PREFIX = "CLOUDWRIGHT_"
FILE_NAME = "cloudwright.toml"
#: The variable that names the file of settings.
FILE_VARIABLE = "CLOUDWRIGHT_CONFIG"
#: What a manager is given by the process that starts it, and nobody writes into a file.
NOT_IN_A_FILE = frozenset({"ready_fd"})
#: Variables of the command lines, which no manager has as a setting.
_OF_COMMANDS = frozenset(
    PREFIX + name
    for name in ("AGENT_TOKEN", "CONFIG", "URL", "USERNAME", "PASSWORD", "TOKEN", "TENANT", "FORMAT")
)
#: What a value in the file may be, by the type of its setting; a boolean is no number.
_KINDS: Mapping[str, tuple[tuple[type, ...], str]] = {
    "int": ((int,), "an integer"),
    "float": ((int, float), "a number"),
    "bool": ((bool,), "true or false"),
    "str": ((str,), "a string"),
    "Path": ((str,), "a string"),
}


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
    # The address under which people reach this manager, if a proxy has another one; with its path.
    public_url: str = ""
    # Addresses and networks of proxies, separated by commas, whose X-Forwarded-For and -Proto are believed.
    trusted_proxies: str = "127.0.0.1, ::1"
    # An SQLAlchemy URL; empty means SQLite in the home directory.
    database_url: str = ""
    # The file of the keys that encrypt secrets; empty means `secrets.key` in the home.
    secrets_key: str = ""
    # After so many log-ins of a user that failed one after the other, the user is locked for so many seconds;
    # 0 of them never lock. Tokens are accepted all the time.
    max_failed_logins: int = 10
    login_lock: float = 900.0
    # The LDAP directory that authenticates users whom the manager does not know, such as
    # `ldaps://ldap.example.com`; empty means none. Users are looked up below the base with the manager's own
    # account there, whose password is in a file. Groups are looked up below the group base, or else the base.
    ldap_url: str = ""
    ldap_base: str = ""
    ldap_user_filter: str = "(uid={username})"
    ldap_bind_dn: str = ""
    ldap_bind_password_file: str = ""
    ldap_group_base: str = ""
    ldap_group_filter: str = "(member={dn})"
    # A PEM file of the certificates that are trusted for it; empty means those of the machine.
    ldap_ca: str = ""
    # How many workflow processes and how many operation processes may run at once.
    max_workflows: int = 50
    max_operations: int = 64
    # How long an owner may be silent before another manager takes its executions over.
    lease: float = 15.0
    # How long an operation has between SIGTERM and SIGKILL when it is killed.
    kill_grace: float = 5.0
    # After how long without a sign of life an agent is unreachable.
    agent_silence: float = 15.0
    # How long an operation that takes something down waits for an agent that is not connected.
    agent_uninstall_wait: float = 60.0
    # The URL of this manager, or of what is before it, that agents connect to which are installed on hosts;
    # empty means the address by which the manager reaches the host.
    agent_url: str = ""
    # End executions that an earlier run of this manager left, instead of running them again.
    no_resume: bool = False
    # Whether each operation gets a cgroup of its own: `auto` (if the manager may make them) or `off`.
    cgroups: str = "auto"
    # End by itself after this long with nothing to do and no client connected; 0 means never.
    idle_exit: float = 0.0
    # End the zygotes of a plugin's environment after this long without use; 0 means never.
    plugin_idle: float = 600.0
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
    # For how many days executions that are over are kept, and how many of them; for how many days log lines
    # and for how many deliveries of hooks that are over are. 0 keeps all.
    keep_executions_days: float = 0.0
    keep_executions: int = 0
    keep_logs_days: float = 0.0
    keep_deliveries_days: float = 7.0
    # For how many days an environment of plugins that nothing needs is kept; 0 keeps all.
    keep_plugin_environments_days: float = 0.0
    # Whether the log has lines of `text` or of `json`.
    log_format: str = "text"
    # Where traces are exported to, by OTLP over HTTP, such as `http://collector:4318`; empty means nowhere.
    otlp_endpoint: str = ""
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
        """Settings from ``given`` (None means not given), then the environment, then the file, then the
        defaults.

        The file is the one that ``config`` or CLOUDWRIGHT_CONFIG names, or else `cloudwright.toml` in the
        home if there is one. Raises InvalidInput naming the variable or the line that cannot be understood.
        """
        environ = os.environ if environ is None else environ
        config = given.pop("config", None) or environ.get(FILE_VARIABLE)
        home = given.get("home") or environ.get(f"{PREFIX}HOME")
        values: dict[str, Any] = _from_file(Path(config).expanduser() if config else None, home)
        for field in fields(cls):
            if given.get(field.name) is not None:
                values[field.name] = given[field.name]
                continue
            variable = PREFIX + field.name.upper()
            if variable in environ:
                values[field.name] = _convert(variable, environ[variable], str(field.type))
        home = _absolute(values.get("home"))
        values["home"] = home
        values.setdefault("database_url", f"sqlite:///{home / 'cloudwright.db'}")
        if values.get("cgroups", "auto") not in ("auto", "off"):
            raise InvalidInput(f"{PREFIX}CGROUPS is `{values['cgroups']}`; it can be `auto` or `off`.")
        if values.get("log_format", "text") not in ("text", "json"):
            raise InvalidInput(f"{PREFIX}LOG_FORMAT is `{values['log_format']}`; it can be `text` or `json`.")
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


def unknown_variables(environ: Mapping[str, str]) -> list[str]:
    """Return a sentence about each variable of the environment that looks like a setting and is none."""
    known = {PREFIX + field.name.upper() for field in fields(Settings)} | _OF_COMMANDS
    return [
        f"{name} is not a setting.{_guess(name, known)}"
        for name in sorted(environ)
        if name.startswith(PREFIX) and name not in known
    ]


def _absolute(home: str | Path | None) -> Path:
    return Path(home or "~/.cloudwright").expanduser().absolute()


def _from_file(named: Path | None, home: str | Path | None) -> dict[str, Any]:
    """Return the settings of a file; without a named one, of the one in the home, which need not exist."""
    path = named or _absolute(home) / FILE_NAME
    try:
        with open(path, "rb") as file:
            content = tomllib.load(file)
    except (FileNotFoundError, NotADirectoryError):
        if named is None:
            return {}
        raise InvalidInput(f"There is no file {path}, which is to hold the settings.") from None
    except OSError as error:
        raise InvalidInput(f"The settings in {path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path} is not valid TOML: {error}.") from error
    if named is None and "home" in content:
        raise InvalidInput(
            f"{path} is found by its home, and cannot name another: take `home` out, or name the file with "
            f"--config or {FILE_VARIABLE}."
        )
    kinds = {field.name: str(field.type) for field in fields(Settings) if field.name not in NOT_IN_A_FILE}
    return {name: _checked(path, name, value, kinds) for name, value in content.items()}


def _checked(path: Path, name: str, value: Any, kinds: Mapping[str, str]) -> Any:
    if name not in kinds:
        raise InvalidInput(f"{path}: there is no setting `{name}`.{_guess(name, kinds)}")
    types, what = _KINDS[kinds[name]]
    if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
        raise InvalidInput(f"{path}: `{name}` is {value!r}; it has to be {what}.")
    if kinds[name] == "Path":
        # Relative to the file, which is the same wherever the manager is started.
        return path.absolute().parent / Path(str(value)).expanduser()
    return float(str(value)) if kinds[name] == "float" else value


def _guess(name: str, known: Mapping[str, str] | set[str]) -> str:
    close = get_close_matches(name, known, n=1)
    return f" Did you mean `{close[0]}`?" if close else ""
