"""Prefect: a flow in this process, and a server with its database in FOLDER.

``prefect_chains.py CHAINS TASKS FOLDER``. What the flow's return promises and what is recorded differ, so
both are told: tasks a second until every task's end is stored, and until the flow returned.
"""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request

FOLDER = sys.argv[3]
#: For so long is waited until everything is recorded; what is not by then is not counted.
SECONDS = 60
with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    PORT = probe.getsockname()[1]
API = f"http://127.0.0.1:{PORT}/api"
os.environ.update(
    PREFECT_HOME=FOLDER,
    PREFECT_API_URL=API,
    PREFECT_LOGGING_LEVEL="CRITICAL",
    PREFECT_SERVER_ANALYTICS_ENABLED="false",
    PREFECT_SERVER_UI_ENABLED="false",
    DO_NOT_TRACK="1",
)

from prefect import flow, task  # noqa: E402 - it reads these settings when it is imported
from prefect.task_runners import ThreadPoolTaskRunner  # noqa: E402


@task
def nothing():
    pass


@flow(task_runner=ThreadPoolTaskRunner(max_workers=10))
def chained(chains, tasks):
    last = []
    for _ in range(chains):
        before = nothing.submit()
        for _ in range(tasks - 1):
            before = nothing.submit(wait_for=[before])
        last.append(before)
    for future in last:
        future.wait()


def ask(path, body=None):
    request = urllib.request.Request(API + path, headers={"Content-Type": "application/json"})
    if body is not None:
        request.data = json.dumps(body).encode()
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def until_healthy(server):
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and server.poll() is None:
        try:
            return ask("/health")
        except OSError:
            time.sleep(0.2)
    raise RuntimeError("the server does not answer")


def main(chains, tasks):
    with open(os.path.join(FOLDER, "log"), "w") as log:
        command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1"]
        server = subprocess.Popen([*command, "--port", str(PORT)], stdout=log, stderr=log)
    try:
        until_healthy(server)
        count = chains * tasks
        begun = time.perf_counter()
        chained(chains, tasks)
        returned = time.perf_counter() - begun
        completed = {"task_runs": {"state": {"type": {"any_": ["COMPLETED"]}}}}
        while ask("/task_runs/count", completed) < count and time.perf_counter() - begun < SECONDS:
            time.sleep(0.2)
        stored = ask("/task_runs/count", completed)
        recorded = time.perf_counter() - begun
        print(json.dumps({"tasks/s": stored / recorded, "tasks/s until it returned": count / returned}))
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
