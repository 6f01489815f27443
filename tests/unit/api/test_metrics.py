"""The metrics: who may read them, and what they say of what is stored."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from served_api import Api

from cloudwright.errors import IllegalAction
from cloudwright.manager.metrics_token import metrics_token


def read(api: Api) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Return the samples by name and labels."""
    token = (api.manager.home / "metrics.token").read_text().strip()
    answer = api.anonymous.get("/metrics", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_they_have_a_token_of_their_own(api: Api) -> None:
    token = (api.manager.home / "metrics.token").read_text().strip()
    assert api.anonymous.get("/metrics").status_code == 401
    for given in ("Bearer wrong", "Bearer", "Basic YWRtaW46YWRtaW4=", f"Basic {token}"):
        answer = api.anonymous.get("/metrics", headers={"Authorization": given})
        assert answer.status_code == 401, given
        assert "metrics.token" in answer.json()["message"]
    # What Prometheus holds is good for nothing else.
    for headers in ({"Authorization": f"Bearer {token}"}, {"Authentication-Token": token}):
        assert api.anonymous.get("/api/v3.1/executions", headers=headers).status_code == 401


def test_the_token_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    token = metrics_token(tmp_path)
    assert len(token) >= 32
    assert metrics_token(tmp_path) == token
    file = tmp_path / "metrics.token"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.write_text("\n")
    with pytest.raises(IllegalAction, match="is empty"):
        metrics_token(tmp_path)


def test_what_has_not_ended_is_counted_by_status(api: Api) -> None:
    before = read(api)
    pending = ("cloudwright_executions", frozenset({("status", "pending")}))
    deployment = api.deployment()
    api.post("/executions", {"deployment_id": deployment, "workflow_id": "install"})
    after = read(api)
    assert after[pending] == before[pending] + 1
    commits = ("cloudwright_commit_seconds_count", frozenset[tuple[str, str]]())
    assert after[commits] > before[commits]
    assert ("cloudwright_event_loop_lag_seconds", frozenset[tuple[str, str]]()) in after
    assert ("cloudwright_executions", frozenset({("status", "terminated")})) not in after
