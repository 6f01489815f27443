"""T1's shape on what else runs tasks: ten chains of a hundred that do nothing, each after the one before.

Each peer is in an environment of its own below ``.peers`` (``make bench-peers``), has its durable
configuration where it has one, and is measured by a program of ``peers/``.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import chains
import reference_types
from databases import DurableServer

HERE = Path(__file__).parent
ROOT = HERE.parent
CHAINS = 10
SECONDS = 300


@dataclass(frozen=True, slots=True)
class Peer:
    """``arguments`` returns the program's command line, given an empty folder and a server of databases.
    ``turns`` is how many runs there are at most; their median counts.
    """

    title: str
    name: str
    isolated: str
    durable: str
    arguments: Callable[[Path, DurableServer], list[str]]
    turns: int = 3

    @property
    def installed(self) -> bool:
        return (ROOT / ".peers" / self.name / "ready").exists()


def run(peer: Peer, server: DurableServer, tasks: int) -> dict[str, float]:
    """Its figures. Raises RuntimeError with what it said where it failed."""
    with tempfile.TemporaryDirectory(prefix="cloudwright-bench-") as name:
        arguments = peer.arguments(Path(name), server)
        if peer.name != "cloudify":
            arguments = [str(CHAINS), str(tasks), *arguments]
        command = [ROOT / ".peers" / peer.name / "bin" / "python", "-W", "ignore"]
        program = HERE / "peers" / f"{peer.name}_chains.py"
        try:
            done = subprocess.run(
                [*command, program, *arguments], capture_output=True, text=True, timeout=SECONDS, cwd=name
            )
        except subprocess.TimeoutExpired as error:
            raise RuntimeError(f"not done after {SECONDS} s") from error
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines:
        raise RuntimeError((done.stderr.strip() or "it said nothing").splitlines()[-1])
    figures: dict[str, float] = json.loads(lines[-1])
    return figures


def _conninfo(url: str) -> str:
    return url.replace("postgresql+psycopg:", "postgresql:")


def _blueprint(folder: Path) -> list[str]:
    main = chains.write(folder / "chains", 500)
    return [str(main), str(reference_types.write(folder))]


PEERS = (
    Peer("Cloudify's local runner", "cloudify", "no", "no", lambda folder, _: _blueprint(folder)),
    Peer("DBOS, SQLite", "dbos", "no", "yes", lambda folder, _: [f"sqlite:///{folder}/dbos.sqlite"]),
    Peer("DBOS, PostgreSQL", "dbos", "no", "yes", lambda _, server: [server.create_empty_database()]),
    Peer("Celery, RabbitMQ", "celery", "no (pool)", "message only", lambda folder, _: [str(folder)]),
    Peer(
        "Procrastinate, PostgreSQL",
        "procrastinate",
        "no",
        "yes",
        lambda _, server: [_conninfo(server.create_empty_database())],
    ),
    Peer("Prefect, until all is recorded", "prefect", "no", "late", lambda folder, _: [str(folder)], turns=1),
    Peer("Luigi, 4 workers", "luigi", "yes", "no", lambda folder, _: [str(folder)]),
)
