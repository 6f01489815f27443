"""A manager, a host with an agent, and a proxy between them, for tests that cut, silence and kill."""

from __future__ import annotations

import io
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from agent_process import AgentProcess, CuttingProxy
from manager_process import ManagerProcess, leftovers, running_manager

BLUEPRINT = """\
tosca_definitions_version: cloudify_dsl_1_4
imports: [cloudify/types/types.yaml]
inputs: {event_log: {type: string}}
plugins:
  hosted: {executor: host_agent, source: p}
node_types:
  app:
    derived_from: cloudify.nodes.Root
    interfaces:
      do:
        script: {implementation: script.sh, inputs: {word: {default: hello}}}
        act:
          implementation: hosted.p.act
          inputs: {event_log: {default: {get_input: event_log}}, name: {default: act}, seconds: {default: 0}}
        once:
          implementation: hosted.p.once
          inputs: {event_log: {default: {get_input: event_log}}, name: {default: once}, seconds: {default: 0}}
node_templates:
  host:
    type: cloudify.nodes.Compute
    properties: {agent_config: {install_method: provided}}
  app:
    type: app
    relationships: [{type: cloudify.relationships.contained_in, target: host}]
"""
FILES = {
    "blueprint.yaml": BLUEPRINT,
    "script.sh": '#!/bin/bash\nctx logger info "said ${word}"\nctx instance runtime_properties where "$PWD"\n'
    'ctx returns "$(cat data.txt)"\n',
    "data.txt": "of the blueprint",
    "plugins/p/__init__.py": """
import os
import subprocess
import time

from cloudify.decorators import operation


def _say(event_log, *words):
    with open(event_log, "a") as log:
        log.write(" ".join(map(str, words)) + "\\n")


@operation(resumable=True)
def act(ctx, event_log, name, seconds, **_):
    grandchild = subprocess.Popen(["sleep", "600"], start_new_session=True) if seconds else None
    _say(event_log, "start", name, os.getpid(), grandchild.pid if grandchild else 0)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if ctx.has_cancel_request():
            _say(event_log, "asked", name)
        time.sleep(0.05)
    if grandchild:
        grandchild.kill()
        grandchild.wait()
    ctx.instance.runtime_properties["acted"] = name
    _say(event_log, "end", name)
    return name


@operation
def once(**inputs):
    return act(**inputs)
""",
}


@dataclass
class Site:
    """A manager, a proxy, and a host with an agent."""

    manager: ManagerProcess
    proxy: CuttingProxy
    agent: AgentProcess
    deployment: str

    def run(self, operation: str, **inputs: Any) -> str:
        return self.manager.run(
            "execute_operation",
            self.deployment,
            operation=f"do.{operation}",
            node_ids=["app"],
            operation_kwargs=inputs,
            allow_kwargs_override=True,
        )

    def started(self, name: str) -> tuple[str, str]:
        """Wait until an operation says that it has begun; returns its process id and its grandchild's."""
        _, _, pid, grandchild = self.manager.await_logged("start", name)
        return pid, grandchild

    def operation(self, id: str) -> dict[str, Any]:
        [found] = [entry for entry in self.manager.operations(id) if entry["type"] == "operation"]
        return found

    def ready(self) -> Site:
        """Have an agent that is connected."""
        self.proxy.mend()
        if not self.agent.running:
            self.agent.token = self.manager.client.agents.enroll(self.agent.name)["token"]
            self.agent.start()
        self.await_state("connected")
        return self

    def state(self) -> str:
        return str(self.manager.client.agents.get(self.agent.name)["connection"])

    def await_state(self, state: str) -> None:
        end = time.monotonic() + 60
        while self.state() != state:
            assert time.monotonic() < end, f"the agent is {self.state()}, not {state}"

    def await_operation(self, id: str, state: str) -> dict[str, Any]:
        end = time.monotonic() + 60
        while (found := self.operation(id))["state"] != state:
            assert time.monotonic() < end, found
        return found


def _upload(manager: ManagerProcess) -> None:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        for name, text in FILES.items():
            entry = tarfile.TarInfo(f"hosted/{name}")
            entry.size = len(text.encode())
            entry.mode = 0o755
            tar.addfile(entry, io.BytesIO(text.encode()))
    archive.seek(0)
    manager.client.blueprints.upload("hosted", archive, main_file="blueprint.yaml")


@contextmanager
def running_site(folder: Path, environment: dict[str, str] | None = None) -> Iterator[Site]:
    """The agent is not started yet. ``environment`` is the manager's, besides its settings."""
    settings = {"kill_grace": 1, "task_retry_interval": 0.1, "agent_silence": 3}
    with running_manager(folder, environment=environment, **settings) as manager:
        _upload(manager)
        client = manager.client
        client.deployments.create("d", blueprint_id="hosted", inputs={"event_log": str(manager.event_log)})
        [host] = client.node_instances.list(deployment_id="d", node_id="host").items
        proxy = CuttingProxy(urlsplit(client.target.url).port or 0)
        agent = AgentProcess(folder / "agent", client, host["id"], proxy.port)
        try:
            yield Site(manager, proxy, agent, "d")
        finally:
            proxy.mend()
            agent.stop()
            proxy.close()
            left = leftovers(agent.home)
            for process in left:
                process.kill()
            assert not left, f"the agent left processes behind: {left}"
