"""The parser's process says and understands frames of their types, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cloudwright.dsl import Limits, Plan
from cloudwright.dsl.parser_process import main
from cloudwright.model.frames.methods import PARSER_METHODS, call_problem
from cloudwright.model.frames.parser import Problem, check_from_parser, check_to_parser
from cloudwright.process.frames import MAX_FROM_CHILD, VERSION

HEAD = "tosca_definitions_version: cloudify_dsl_1_4\n"
IMPORTED = "node_types: {t: {}}\n"


class Recorded:
    """A channel whose other end answers calls with ``answer``, and checks what goes through it."""

    def __init__(self, begin: dict[str, Any], answer: dict[str, Any] | None = None) -> None:
        first = {"type": "begin", "version": VERSION, "limits": {}, "resolves": False, **begin}
        self._incoming = [first]
        self._answer = answer
        self.sent: list[dict[str, Any]] = []

    def send(self, frame: dict[str, Any]) -> None:
        frame = json.loads(json.dumps(frame))
        assert check_from_parser(frame) is None
        self.sent.append(frame)
        if frame["type"] == "call" and self._answer is not None:
            self._incoming.append({"type": "reply", "id": frame["id"], **self._answer})

    def receive_begin(self, check: Callable[[Any], str | None]) -> dict[str, Any]:
        begin = self._incoming.pop(0)
        assert check(begin) is None
        return begin

    def receive(self) -> dict[str, Any] | None:
        if not self._incoming:
            return None
        reply = self._incoming.pop(0)
        assert check_to_parser(reply) is None
        return reply


@pytest.fixture
def blueprint(tmp_path: Path) -> Path:
    path = tmp_path / "blueprint.yaml"
    path.write_text(HEAD + "imports: ['ns--plugin:aws?version=>=3']\nnode_templates: {n: {type: ns--t}}\n")
    return path


def asked(path: Path, **reply: Any) -> list[dict[str, Any]]:
    channel = Recorded({"path": str(path), "limits": {}, "resolves": True}, reply or None)
    main(channel)
    return channel.sent


@pytest.mark.parametrize("how", ["text", "path"])
def test_an_import_is_asked_for(how: str, blueprint: Path) -> None:
    file = blueprint.with_name("imported.yaml")
    file.write_text(IMPORTED)
    value = {"location": "aws", how: IMPORTED if how == "text" else str(file), "folder": str(file.parent)}
    extra = {"labels": {"a": ["b"]}, "blueprint_labels": {}, "resource_tags": {}}
    call, end = asked(blueprint, value={**value, "extra": extra})
    assert call_problem(call["method"], call["args"], PARSER_METHODS) is None
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
    for problem in end["problems"]:
        assert set(problem) == set(Problem.__annotations__)


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
    assert Limits().plan_bytes < MAX_FROM_CHILD
