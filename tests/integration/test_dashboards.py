"""The dashboard and the alerts of `contrib` name metrics that a manager has, with labels that they have."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from manager_process import ManagerProcess
from prometheus_client.parser import text_string_to_metric_families

CONTRIB = Path(__file__).parents[2] / "contrib"
#: Prometheus makes it itself of each target.
OF_PROMETHEUS = {"up": {"instance", "job"}}
#: Labels that Prometheus adds to every metric.
ADDED = {"instance", "job"}

pytestmark = pytest.mark.usefixtures("event_log")


def dashboard() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((CONTRIB / "grafana" / "cloudwright.json").read_text("utf-8"))
    return loaded


def rules() -> list[dict[str, Any]]:
    file = CONTRIB / "prometheus" / "cloudwright.rules.yml"
    return [rule for group in yaml.safe_load(file.read_text("utf-8"))["groups"] for rule in group["rules"]]


def expressions() -> Iterator[str]:
    for panel in dashboard()["panels"]:
        for target in panel["targets"]:
            yield target["expr"]
    for variable in dashboard()["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["query"]
    for rule in rules():
        yield rule["expr"]


def selectors(expression: str) -> Iterator[tuple[str, set[str]]]:
    """Yield each metric of an expression of PromQL with the labels that it is selected by."""
    metric = r"\b((?:cloudwright|process|python)_\w+|up)\b(?:\{([^}]*)\})?"
    for name, labels in re.findall(metric, expression):
        yield name, set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", labels))


@pytest.fixture(scope="module")
def metrics(manager: ManagerProcess) -> dict[str, set[str]]:
    """The names of samples with the names of their labels."""
    token = (manager.home / "metrics.token").read_text().strip()
    answer = requests.get(
        f"{manager.client.target.url}/metrics", headers={"Authorization": f"Bearer {token}"}, timeout=60
    )
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def test_every_metric_that_is_named_is_there(metrics: dict[str, set[str]]) -> None:
    known = metrics | OF_PROMETHEUS
    used = [selector for expression in expressions() for selector in selectors(expression)]
    assert len(used) > 20
    assert [name for name, _ in used if name not in known] == []
    assert [(name, labels) for name, labels in used if not labels <= known[name] | ADDED] == []


def test_what_is_grouped_by_is_a_label(metrics: dict[str, set[str]]) -> None:
    for expression in expressions():
        grouped = {
            label.strip()
            for labels in re.findall(r"by \(([^)]*)\)", expression)
            for label in labels.split(",")
        }
        own = {label for name, _ in selectors(expression) for label in (metrics | OF_PROMETHEUS)[name]}
        assert grouped <= own | ADDED, expression


def test_brackets_match_and_everything_has_a_name() -> None:
    for expression in expressions():
        for begin, end in ("()", "{}", "[]"):
            assert expression.count(begin) == expression.count(end), expression
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    places = [
        (panel["gridPos"]["x"], panel["gridPos"]["y"])
        for panel in panels
        if panel["title"] and panel["targets"]
    ]
    assert len(set(places)) == len(panels)
    for rule in rules():
        assert rule["alert"].startswith("Cloudwright")
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert rule["annotations"]["summary"].endswith(".")
        assert rule["for"]
