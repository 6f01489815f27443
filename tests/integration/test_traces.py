"""The traces of a real manager, received by a collector."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
from pathlib import Path

from manager_process import running_manager
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from cloudwright.client.api import Client
from otlp_receiver import attributes, collecting

BLUEPRINT = """
tosca_definitions_version: cloudify_dsl_1_4
imports: [cloudify/types/types.yaml]
node_templates:
  app:
    type: cloudify.nodes.Root
    interfaces:
      cloudify.interfaces.lifecycle:
        create: |
          #!/bin/bash
          ctx instance runtime-properties traceparent "$TRACEPARENT"
        start: { implementation: scripts/fail.sh, max_retries: 0 }
"""


def upload(client: Client, folder: Path, id: str) -> None:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        tar.add(folder, id)
    archive.seek(0)
    client.blueprints.upload(id, archive, main_file="blueprint.yaml")


def test_an_execution_is_a_trace_with_a_span_of_each_attempt(tmp_path: Path) -> None:
    folder = tmp_path / "traced"
    folder.mkdir()
    (folder / "blueprint.yaml").write_text(BLUEPRINT, encoding="utf-8")
    (folder / "scripts").mkdir()
    (folder / "scripts" / "fail.sh").write_text("#!/bin/bash\nexit 3\n", encoding="utf-8")
    with collecting() as collector:
        with running_manager(tmp_path, otlp_endpoint=collector.url) as manager:
            upload(manager.client, folder, "traced")
            manager.client.deployments.create("traced", blueprint_id="traced")
            id = manager.run("install", "traced")
            assert manager.end(id)["status"] == "failed"
            (instance,) = manager.client.node_instances.list(deployment_id="traced").items
            _, trace, create_span, flags = instance["runtime_properties"]["traceparent"].split("-")
        # What was not exported by then is when the manager ends.
        execution, create, start = collector.await_spans(3, bytes.fromhex(trace))
    assert collector.services == {"cloudwright"}
    assert flags == "01"
    assert execution.name == "install traced"
    assert attributes(execution)["cloudwright.execution.id"] == id
    assert attributes(execution)["cloudwright.execution.status"] == "failed"
    assert execution.status.code == Status.STATUS_CODE_ERROR
    assert execution.parent_span_id == b""
    for span in (create, start):
        assert span.parent_span_id == execution.span_id
        assert attributes(span)["cloudwright.node_instance.id"] == instance["id"]
        assert execution.start_time_unix_nano <= span.start_time_unix_nano
        assert span.start_time_unix_nano < span.end_time_unix_nano <= execution.end_time_unix_nano
    assert create.span_id == bytes.fromhex(create_span)
    assert (create.name, create.status.code) == (
        "cloudify.interfaces.lifecycle.create",
        Status.STATUS_CODE_OK,
    )
    assert (start.name, start.status.code) == (
        "cloudify.interfaces.lifecycle.start",
        Status.STATUS_CODE_ERROR,
    )
    assert "exit" in start.status.message


def test_nothing_of_it_is_loaded_unless_there_is_an_endpoint() -> None:
    code = (
        "import sys, cloudwright.manager.manager as m, cloudwright.manager.traces as t;"
        "t.open_traces('', 'm');"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
