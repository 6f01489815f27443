"""Celery on RabbitMQ, acknowledging late: each task sends the next of its chain.

``celery_chains.py CHAINS TASKS FOLDER`` runs a broker of its own, whose files are in that folder, and a
worker with two processes for each processor.
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

from celery import Celery

PORT = int(os.environ.get("CHAINS_PORT", "0"))
EAR = os.environ.get("CHAINS_EAR", "")
RABBIT = "/usr/lib/rabbitmq/bin/rabbitmq-server"

app = Celery("celery_chains", broker=f"amqp://guest:guest@127.0.0.1:{PORT}//")
app.conf.update(
    task_acks_late=True,
    worker_prefetch_multiplier=1,
    task_ignore_result=True,
    worker_enable_remote_control=False,
    broker_connection_retry_on_startup=True,
)


@app.task(name="nothing")
def nothing(tasks):
    if tasks > 1:
        nothing.delay(tasks - 1)
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        out.sendto(b"over", EAR)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def running(command, folder, env):
    with open(os.path.join(folder, "log"), "a") as log:
        process = subprocess.Popen(
            command, env=env, stdout=log, stderr=log, start_new_session=True, cwd=folder
        )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextlib.contextmanager
def broker(folder):
    port, names = free_port(), free_port()
    env = {
        **os.environ,
        "HOME": folder,
        "ERL_EPMD_PORT": str(names),
        "RABBITMQ_NODENAME": "chains@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_MNESIA_BASE": folder,
        "RABBITMQ_LOG_BASE": folder,
        "RABBITMQ_ENABLED_PLUGINS_FILE": os.path.join(folder, "plugins"),
        "RABBITMQ_CONFIG_FILE": os.path.join(folder, "none"),
        "RABBITMQ_PID_FILE": os.path.join(folder, "pid"),
    }
    # Its own name server, which would stay behind otherwise.
    with (
        running([shutil.which("epmd"), "-port", str(names)], folder, env),
        running([RABBIT], folder, env) as server,
    ):
        answers(port, server)
        yield port


def answers(port, server):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as asking:
            asking.settimeout(1)
            asking.sendall(b"AMQP\0\0\x09\x01")
            if asking.recv(1):
                return
        time.sleep(0.2)
    raise RuntimeError("the broker does not answer")


def main(chains, tasks, folder):
    ear = os.path.join(folder, "ear")
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listening.bind(ear)
    listening.settimeout(120)
    with broker(folder) as port:
        env = {**os.environ, "CHAINS_PORT": str(port), "CHAINS_EAR": ear}
        env["PYTHONPATH"] = os.path.dirname(os.path.abspath(__file__))
        app.conf.broker_url = f"amqp://guest:guest@127.0.0.1:{port}//"
        worker = [sys.executable, "-m", "celery", "-A", "celery_chains", "worker", "-l", "ERROR"]
        processes = str(2 * (os.cpu_count() or 1))
        with running([*worker, "-c", processes, "--without-gossip", "--without-mingle"], folder, env):
            nothing.delay(1)  # answered when the worker is there
            listening.recv(16)
            begun = time.perf_counter()
            for _ in range(chains):
                nothing.delay(tasks)
            for _ in range(chains):
                listening.recv(16)
            print(json.dumps({"tasks/s": chains * tasks / (time.perf_counter() - begun)}), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
