"""What a manager counts of executions that really ran."""

from __future__ import annotations

import pytest
import requests
from manager_process import ManagerProcess, await_death
from prometheus_client.parser import text_string_to_metric_families

pytestmark = pytest.mark.usefixtures("event_log")


def samples(manager: ManagerProcess) -> dict[str, float]:
    """Return the samples by name and the value of their label, if they have one."""
    token = (manager.home / "metrics.token").read_text().strip()
    answer = requests.get(
        f"{manager.client.target.url}/metrics", headers={"Authorization": f"Bearer {token}"}, timeout=60
    )
    answer.raise_for_status()
    return {
        " ".join((sample.name, *sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_ends_of_executions_and_operations_and_cancels_are_counted(manager: ManagerProcess) -> None:
    before = samples(manager)
    id = manager.run("chain", steps=2, seconds=600)
    _, _, pid = manager.await_logged("start", "step0")
    assert samples(manager)["cloudwright_operations_running"] == 1
    assert samples(manager)["cloudwright_executions started"] == 1
    manager.cancel(id, "kill")
    assert manager.end(id)["status"] == "cancelled"
    await_death(pid)
    assert manager.end(manager.run("chain", steps=2))["status"] == "terminated"
    assert manager.end(manager.run("chain", steps=1, kwargs={"fail": "never"}))["status"] == "failed"
    after = samples(manager)
    more = {name: after[name] - before.get(name, 0) for name in after}
    for status in ("terminated", "failed", "cancelled"):
        assert more[f"cloudwright_executions_ended_total {status}"] == 1
    assert more["cloudwright_operations_ended_total succeeded"] == 2
    assert more["cloudwright_operations_ended_total failed"] == 2
    assert more["cloudwright_cancel_seconds_count kill"] == 1
    assert more["cloudwright_operation_seconds_count"] == 4
    assert after["cloudwright_operations_running"] == 0
    assert after["cloudwright_executions started"] == 0
    assert after["process_resident_memory_bytes"] > 0
