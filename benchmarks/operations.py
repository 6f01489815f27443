"""Workloads T1 (many small operations) and T3 (how fast an execution is cancelled), in embedded mode.

``python benchmarks/operations.py [NODES] [CANCELS]`` starts a manager of its own in a temporary folder.
"""

from __future__ import annotations

import io
import json
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from datetime import datetime
from pathlib import Path

import psutil
from chains import write

from cloudwright.client.api import Client
from cloudwright.client.following import follow
from cloudwright.client.target import Target

LAB = Path(__file__).parents[1] / "tests" / "lab"


def main() -> None:
    nodes = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    cancels = int(sys.argv[2]) if len(sys.argv) > 2 else 50
    with tempfile.TemporaryDirectory(prefix="cloudwright-bench-") as name:
        folder = Path(name)
        command = [
            sys.executable,
            "-m",
            "cloudwright.cli.server",
            "up",
            "--home",
            str(folder / "home"),
            "--port",
            "0",
        ]
        with (folder / "log").open("w") as log:
            manager = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            manager.stdout.readline()
            told = json.loads((folder / "home" / "credentials.json").read_text())
            with Client(Target(url=told["url"], username=told["username"], token=told["token"])) as client:
                many_operations(client, manager.pid, folder, nodes)
                cancelling(client, folder, cancels)
        finally:
            manager.terminate()
            manager.wait()


def many_operations(client: Client, pid: int, folder: Path, nodes: int) -> None:
    write(folder / "chains", nodes)
    upload(client, "chains", folder / "chains")
    client.deployments.create("chains", blueprint_id="chains", inputs={})
    before = cpu_seconds(pid)
    begun = time.perf_counter()
    *_, end = follow(client, client.executions.start("install", "chains")["id"], include_logs=False)
    taken = time.perf_counter() - begun
    assert end["status"] == "terminated", end
    operations = 2 * nodes
    spent = cpu_seconds(pid) - before
    print(f"T1: {operations} operations in {taken:.2f} s: {operations / taken:.0f} operations/s, ", end="")
    print(f"{1000 * spent / operations:.2f} ms of CPU each")


def cancelling(client: Client, folder: Path, times: int) -> None:
    tape = folder / "tape"
    upload(client, "lab", LAB)
    client.deployments.create("lab", blueprint_id="lab", inputs={"tape": str(tape)})
    for how in ("cancel", "force-cancel", "kill"):
        taken = [one_cancel(client, how) for _ in range(times)]
        taken.sort()
        middle, late = statistics.median(taken), taken[int(len(taken) * 0.99) - 1]
        print(f"T3: {how}: stored request to stored end {middle:.1f} ms (median), {late:.1f} ms (99 %)")


def one_cancel(client: Client, how: str) -> float:
    id = client.executions.start("chain", "lab", parameters={"steps": 2, "seconds": 60})["id"]
    for item in follow(client, id):
        if item.get("event_type") == "task_started":
            client.executions.cancel(id, how)
            break
    *_, end = follow(client, id)
    assert end["status"] == "cancelled", end
    if how != "kill":
        client.executions.cancel(id, "kill")
    return 1000 * (moment(end["ended_at"]) - moment(end["cancel_requested_at"]))


def moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def upload(client: Client, id: str, folder: Path) -> None:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        tar.add(folder, id)
    archive.seek(0)
    client.blueprints.upload(id, archive, main_file="blueprint.yaml")


def cpu_seconds(pid: int) -> float:
    """Of the manager, its zygotes, and all their children that have ended."""
    manager = psutil.Process(pid)
    return sum(sum(process.cpu_times()[:4]) for process in [manager, *manager.children(recursive=True)])


if __name__ == "__main__":
    main()
