"""The parser's process says and understands what docs/concepts/frames.md promises, and nothing else."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from cloudwright.dsl import Limits, Plan
from cloudwright.dsl.child import main
from cloudwright.process.frames import MAX_FRAME

PAGE = (Path(__file__).parents[3] / "docs" / "concepts" / "frames.md").read_text("utf-8")
SECTION = PAGE.partition("\n## Parser process\n")[2].partition("\n## ")[0]
HEAD = "tosca_definitions_version: cloudify_dsl_1_4\n"
IMPORTED = "node_types: {t: {}}\n"


def names(text: str) -> set[str]:
    return set(re.findall(r"`(\w+)`", text))


def fields_of(heading: str) -> dict[str, set[str]]:
    """The fields of each type of frame in the table below this heading."""
    table = SECTION.partition(f"\n### {heading}\n")[2].partition("\n### ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \|", table, re.MULTILINE)
    return {kind: names(fields) for kind, fields in rows}


TOLD, SAID = fields_of("Manager to parser process"), fields_of("Parser process to manager")


class Recorded:
    """A channel whose other end answers calls with ``answer``."""

    def __init__(self, begin: dict[str, Any], answer: dict[str, Any] | None = None) -> None:
        assert set(begin) <= TOLD["begin"]
        assert set(answer or ()) <= TOLD["reply"]
        self._incoming = [{"type": "begin", **begin}]
        self._answer = answer
        self.sent: list[dict[str, Any]] = []

    def send(self, frame: dict[str, Any]) -> None:
        frame = json.loads(json.dumps(frame))
        assert {*frame} - {"type"} <= SAID[frame["type"]]
        self.sent.append(frame)
        if frame["type"] == "call" and self._answer is not None:
            self._incoming.append({"type": "reply", "id": frame["id"], **self._answer})

    def receive(self) -> dict[str, Any] | None:
        return self._incoming.pop(0) if self._incoming else None


@pytest.fixture
def blueprint(tmp_path: Path) -> Path:
    path = tmp_path / "blueprint.yaml"
    path.write_text(HEAD + "imports: ['ns--plugin:aws?version=>=3']\nnode_templates: {n: {type: ns--t}}\n")
    return path


def asked(path: Path, **reply: Any) -> list[dict[str, Any]]:
    channel = Recorded({"path": str(path), "limits": {}, "resolves": True}, reply or None)
    main(channel)
    return channel.sent


def test_the_page_speaks_of_all_frames() -> None:
    assert (set(TOLD), set(SAID)) == ({"begin", "reply"}, {"call", "end"})


@pytest.mark.parametrize("how", ["text", "path"])
def test_an_import_is_asked_for(how: str, blueprint: Path) -> None:
    file = blueprint.with_name("imported.yaml")
    file.write_text(IMPORTED)
    value = {"location": "aws", how: IMPORTED if how == "text" else str(file), "folder": str(file.parent)}
    extra = {"labels": {"a": ["b"]}, "blueprint_labels": {}, "resource_tags": {}}
    call, end = asked(blueprint, value={**value, "extra": extra})
    assert set(call) - {"type"} == SAID["call"]
    assert set(call["args"]) == set(
        re.findall(r"\w+", SECTION.partition("`resolve_import {")[2].partition("}")[0])
    )
    assert call["args"] == {"reference": "plugin:aws?version=>=3", "version": "1_4"}
    plan = Plan.from_json(end["plan"])
    assert ([node["type"] for node in plan.nodes], plan.section("labels")) == (
        ["ns--t"],
        {"ns--a": {"values": ["b"]}},
    )


def test_a_refusal_ends_a_sentence(blueprint: Path) -> None:
    _, end = asked(blueprint, error={"kind": "NotFound", "message": "it is not there."})
    assert (
        "`ns--plugin:aws?version=>=3` cannot be imported: it is not there." in end["problems"][0]["message"]
    )
    (documented,) = re.findall(r"A problem, or a warning, is `(\{.*?\})`", SECTION)
    for problem in end["problems"]:
        assert set(problem) == set(re.findall(r'"(\w+)"', documented))


def test_nobody_answers(blueprint: Path) -> None:
    call, end = asked(blueprint)
    assert (call["type"], set(end)) == ("call", {"type", "problems", "warnings"})
    channel = Recorded({"path": str(blueprint)})
    main(channel)
    assert [frame["type"] for frame in channel.sent] == ["end"]


def test_limits_are_named_as_in_the_frame(tmp_path: Path) -> None:
    path = tmp_path / "blueprint.yaml"
    path.write_text(HEAD + "inputs: {a: {}, b: {}}\n")
    channel = Recorded({"path": str(path), "limits": {"values": 2}})
    main(channel)
    assert "limit of 2 values" in channel.sent[-1]["problems"][0]["message"]


def test_the_largest_plan_fits_into_a_frame() -> None:
    assert Limits().plan_bytes < MAX_FRAME
