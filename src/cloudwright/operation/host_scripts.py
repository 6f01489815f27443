"""What is run on a host, by a POSIX shell, to install an agent and to remove it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field

#: Pythons that are looked for, beside the one that is named.
_PYTHONS = ("python3", "python3.14", "python3.13", "python3.12", "python3.11", "/usr/local/bin/python3")
_OLDEST = (3, 11)
#: How long an agent has to end, with what it runs (seconds).
STOP_SECONDS = 30

_UNIT = """\
[Unit]
Description=Cloudwright agent {name}
After=network-online.target
Wants=network-online.target
StartLimitIntervalSec=0

[Service]
User={user}
ExecStart=/bin/sh {run}
Restart=always
RestartSec=2
RestartPreventExitStatus=76
# It ends its own operations; what operations left running on purpose stays.
KillMode=process
Delegate=yes
OOMPolicy=continue
TimeoutStopSec=60

[Install]
WantedBy=multi-user.target
"""


@dataclass(frozen=True, slots=True)
class HostFacts:
    """What ``probe`` found. ``pythons`` are paths with versions, in the order in which they are preferred."""

    system: str = ""
    user: str = ""
    is_root: bool = False
    home: str = ""
    has_systemd: bool = False
    has_sudo: bool = False
    pythons: list[tuple[str, tuple[int, ...]]] = field(default_factory=list)

    @property
    def python(self) -> str | None:
        """The first one that is new enough."""
        return next((path for path, version in self.pythons if version >= _OLDEST), None)

    @property
    def uses_systemd(self) -> bool:
        return self.has_systemd and (self.is_root or self.has_sudo)


#: A user who may use systemd, and one who may not.
ROOT = HostFacts(user="root", is_root=True, has_systemd=True)
SHELL_USER = HostFacts(is_root=True)


@dataclass(frozen=True, slots=True)
class Place:
    """Where an agent is on its host: ``unit`` is its systemd unit, ``sudo`` what goes before its commands."""

    name: str
    folder: str
    unit: str
    sudo: str

    def path(self, name: str) -> str:
        return shlex.quote(f"{self.folder}/{name}")


def place(name: str, facts: HostFacts, folder: str | None, service: str | None) -> Place:
    if folder is None:
        base = "/var/lib/cloudwright-agent" if facts.is_root else f"{facts.home}/.cloudwright-agent"
        folder = f"{base}/{name}"
    unit = re.sub(r"[^A-Za-z0-9_.-]", "-", service or f"cloudwright-agent-{name}")
    return Place(name, folder, unit, "" if facts.is_root else "sudo -n ")


def pythons(named: str | None) -> tuple[str, ...]:
    """Return the Pythons that are looked for: the one that is ``named``, or the usual ones."""
    return (named,) if named else _PYTHONS


def probe(python: str | None) -> str:
    """Return a script whose output ``read_facts`` understands."""
    names = " ".join(map(shlex.quote, pythons(python)))
    return f"""
echo "system $(uname -s) $(uname -m)"
echo "user $(id -u) $(id -un)"
echo "home $HOME"
if [ -d /run/systemd/system ] && command -v systemctl >/dev/null 2>&1; then echo "systemd yes"; fi
if sudo -n true >/dev/null 2>&1; then echo "sudo yes"; fi
for name in {names}; do
  found=$(command -v "$name" 2>/dev/null) || continue
  "$found" -c 'import sys; print("python %d.%d.%d" % sys.version_info[:3], sys.executable)' 2>/dev/null
done
true
"""


def read_facts(output: str) -> HostFacts:
    found: dict[str, str] = {}
    pythons = []
    for line in output.splitlines():
        word, _, rest = line.partition(" ")
        if word == "python":
            version, _, path = rest.partition(" ")
            pythons.append((path, tuple(int(part) for part in version.split("."))))
        else:
            found[word] = rest
    id, _, user = found.get("user", "").partition(" ")
    return HostFacts(
        system=found.get("system", ""),
        user=user,
        is_root=id == "0",
        home=found.get("home", ""),
        has_systemd="systemd" in found,
        has_sudo="sudo" in found,
        pythons=pythons,
    )


def store(place: Place, name: str, *, secret: bool = False) -> str:
    """Return a command that stores its input as a file of the agent, whole or not at all."""
    folder, file, new = shlex.quote(place.folder), place.path(name), place.path(f"{name}.new")
    mask = "umask 077; " if secret else ""
    return (
        f"{mask}mkdir -p -m 700 {folder} && cat > {new} && mv -f {new} {file} || {{ rm -f {new}; exit 1; }}"
    )


def run_words(place: Place, url: str, options: Sequence[str]) -> list[str]:
    """Return the words that a Python is given to run the agent."""
    words = [f"{place.folder}/agent.pyz", "--manager", url, "--home", f"{place.folder}/home"]
    return [
        *words,
        "--token-file",
        f"{place.folder}/token",
        "--log-file",
        f"{place.folder}/agent.log",
        *options,
    ]


def run_file(place: Place, python: str, url: str, options: Sequence[str]) -> bytes:
    """Return the script that runs the agent; what it is given is added to the agent's options."""
    return f'#!/bin/sh\nexec {shlex.join([python, *run_words(place, url, options)])} "$@"\n'.encode()


def start(place: Place, facts: HostFacts) -> str:
    if not facts.uses_systemd:
        log = place.path("supervisor.log")
        return f"setsid nohup /bin/sh {place.path('run')} --supervise >{log} 2>&1 </dev/null & sleep 0.1"
    unit = _UNIT.format(name=place.name, user=facts.user, run=place.path("run"))
    file = f"/etc/systemd/system/{place.unit}.service"
    return (
        f"printf %s {shlex.quote(unit)} | {place.sudo}tee {file} >/dev/null && "
        f"{place.sudo}systemctl daemon-reload && {place.sudo}systemctl enable --quiet {place.unit} && "
        f"{place.sudo}systemctl restart {place.unit}"
    )


def stop(place: Place, facts: HostFacts) -> str:
    """Return a script that ends the agent, however it was started, and waits until it has ended."""
    file = f"/etc/systemd/system/{place.unit}.service"
    lines = [f"cd {shlex.quote(place.folder)} 2>/dev/null || exit 0"]
    if facts.uses_systemd:
        lines.append(
            f"if [ -f {file} ]; then {place.sudo}systemctl disable --quiet --now {place.unit}; "
            f"{place.sudo}rm -f {file}; {place.sudo}systemctl daemon-reload; fi"
        )
    lines += [
        "pid=$(cat home/supervisor 2>/dev/null) || exit 0",
        # The number may be another process's by now.
        f'grep -qF {place.path("home")} "/proc/$pid/cmdline" 2>/dev/null || exit 0',
        'kill "$pid" 2>/dev/null || exit 0',
        f"left={STOP_SECONDS}0",
        'while kill -0 "$pid" 2>/dev/null; do',
        '  left=$((left - 1)); [ "$left" -gt 0 ] || { echo "the agent does not end" >&2; exit 1; }',
        "  sleep 0.1",
        "done",
    ]
    return "\n".join(lines)


def remove(place: Place) -> str:
    return f"rm -rf {shlex.quote(place.folder)}"


def last_log(place: Place) -> str:
    return f"tail -n 5 {place.path('agent.log')} {place.path('supervisor.log')} 2>/dev/null; true"
