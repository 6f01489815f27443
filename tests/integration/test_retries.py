"""Retries that wait longer and longer, and are not waited for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from manager_process import ManagerProcess

from cloudwright.cli.blueprint_source import open_source
from cloudwright.client.errors import IllegalAction
from cloudwright.client.following import follow

BLUEPRINT = """
tosca_definitions_version: cloudify_dsl_1_5
imports: [cloudify/types/types.yaml]
node_templates:
  app:
    type: cloudify.nodes.Root
    interfaces:
      cloudify.interfaces.lifecycle:
        create: {implementation: create.sh, max_retries: 5, retry_interval: 900, retry_backoff: 3}
"""
#: Fails twice, and then succeeds.
SCRIPT = "#!/bin/sh\necho x >> %s\n[ $(wc -l < %s) -gt 2 ]\n"


def test_what_waits_is_tried_again_at_once(manager: ManagerProcess, tmp_path: Path) -> None:
    folder = tmp_path / "slow"
    folder.mkdir()
    tries = tmp_path / "tries"
    (folder / "blueprint.yaml").write_text(BLUEPRINT)
    (folder / "create.sh").write_text(SCRIPT % (tries, tries))
    client = manager.client
    with open_source(str(folder), None) as source:
        client.blueprints.upload("slow", source.archive, main_file=source.main_file)
    client.deployments.create("slow", blueprint_id="slow")
    execution = client.executions.start("install", "slow")["id"]
    waits: list[Any] = []
    for item in follow(client, execution):
        event: Any = item
        if event.get("event_type") == "task_rescheduled":
            waits.append(event["details"]["retry_after"])
            client.executions.retry_now(execution)
    # Each was to wait three times as long, and the longest an hour.
    assert waits == [900, 2700]
    assert client.executions.get(execution)["status"] == "terminated"
    assert "1 task that waits is tried again at once, as admin asks" in manager.story(execution)
    assert tries.read_text() == "x\nx\nx\n"
    with pytest.raises(IllegalAction, match="is `terminated`: nothing of it waits"):
        client.executions.retry_now(execution)
