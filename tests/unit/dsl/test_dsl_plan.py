"""The plan as an object: sharing, packing, the parser's process; and the language under random texts."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudwright import dsl, planning
from cloudwright.dsl import parser_process
from cloudwright.dsl.blueprint import SECTIONS
from cloudwright.dsl.functions.syntax import FUNCTIONS
from cloudwright.errors import CloudwrightError
from cloudwright.process.frames import VERSION

TEXT = """\
tosca_definitions_version: cloudify_dsl_1_4
imports: [cloudify/types/types.yaml]
inputs: {x: {default: 1}}
node_templates:
  host: {type: cloudify.nodes.Compute}
"""


def chain(count: int) -> str:
    lines = [TEXT.rstrip()]
    for index in range(count):
        lines += [f"  n{index}:", "    type: cloudify.nodes.WebServer"]
        if index:
            lines += [
                "    relationships:",
                "      - type: cloudify.relationships.depends_on",
                f"        target: n{index - 1}",
            ]
    return "\n".join(lines) + "\n"


def parsed(folder: Path, text: str) -> dsl.Plan:
    path = folder / "blueprint.yaml"
    path.write_text(text)
    return dsl.parse_blueprint(path)


def test_a_workflow_may_have_a_longest_age(tmp_path: Path) -> None:
    text = TEXT + "plugins: {p: {executor: central_deployment_agent, install: false}}\nworkflows:\n"
    plan = parsed(tmp_path, text + "  w: {mapping: p.w, timeout: 90.5}\n  v: p.w\n").to_json()
    assert plan["workflows"]["w"]["timeout"] == 90.5
    assert "timeout" not in plan["workflows"]["v"]
    for wrong in ("0", "-1", "1000000001", "soon"):
        with pytest.raises(dsl.BlueprintError, match="timeout"):
            parsed(tmp_path, text + f"  w: {{mapping: p.w, timeout: {wrong}}}\n")


def test_a_packed_plan_is_small_and_the_same(tmp_path: Path) -> None:
    plan = parsed(tmp_path, chain(200))
    packed = json.dumps(plan.pack())
    assert len(packed) < len(json.dumps(plan.to_json())) / 15
    again = dsl.Plan.from_json(json.loads(packed))
    assert again == dsl.Plan.from_json(json.loads(json.dumps(plan.to_json())))
    assert again.nodes[3]["operations"] is again.nodes[4]["operations"]
    assert again.version == (1, 4)


def test_parsing_is_linear(tmp_path: Path) -> None:
    """Counted in what is made, not in time: distinct objects do not grow with nodes that are alike."""
    small, large = parsed(tmp_path, chain(50)).pack(), parsed(tmp_path, chain(500)).pack()
    for pool in ("values", "operations", "tables"):
        assert abs(len(large["shared"][pool]) - len(small["shared"][pool])) <= 2 * 450


def test_what_was_parsed_is_not_changed_by_what_is_made_of_it(tmp_path: Path) -> None:
    plan = parsed(tmp_path, chain(3) + "outputs: {o: {value: {get_input: x}}}\n")
    before = json.dumps(plan.to_json())
    deployment = planning.prepare_deployment(plan, {"x": 5})
    planning.create_instances(
        deployment.nodes, deployment.scaling_groups, deployment_id="d", new_id=lambda name: f"{name}_1"
    )
    assert deployment.outputs["o"]["value"] == 5
    assert json.dumps(plan.to_json()) == before


class Wire:
    """Both ends of a channel in one: what the parser sends, and what it is answered."""

    def __init__(self, *frames: dict[str, Any]) -> None:
        self.incoming = deque(frames)
        self.sent: list[dict[str, Any]] = []

    def send(self, frame: dict[str, Any]) -> None:
        self.sent.append(json.loads(json.dumps(frame)))

    def receive_begin(self, check: Callable[[Any], str | None]) -> dict[str, Any]:
        begin = self.incoming.popleft()
        assert check(begin) is None
        return begin

    def receive(self) -> dict[str, Any] | None:
        return self.incoming.popleft() if self.incoming else None


def begin(path: Path, **more: Any) -> dict[str, Any]:
    return {"type": "begin", "version": VERSION, "path": str(path), "limits": {}, "resolves": False} | more


def test_the_parsers_process(tmp_path: Path) -> None:
    path = tmp_path / "blueprint.yaml"
    path.write_text(TEXT)
    wire = Wire(begin(path, limits=dsl.Limits().to_json()))
    parser_process.main(wire)
    (end,) = wire.sent
    assert [node["id"] for node in dsl.Plan.from_json(end["plan"]).nodes] == ["host"]


def test_the_parsers_process_reports_problems(tmp_path: Path) -> None:
    path = tmp_path / "blueprint.yaml"
    path.write_text(TEXT.replace("cloudify.nodes.Compute", "nope"))
    wire = Wire(begin(path))
    parser_process.main(wire)
    (end,) = wire.sent
    (problem,) = end["problems"]
    assert (problem["line"], problem["column"]) == (5, 16)


def test_the_parsers_process_asks_for_imports(tmp_path: Path) -> None:
    path = tmp_path / "blueprint.yaml"
    path.write_text(
        "tosca_definitions_version: cloudify_dsl_1_3\nimports: [plugin:a, plugin:b]\n"
        "node_templates: {n: {type: t}}\n"
    )
    (tmp_path / "a.yaml").write_text("node_types: {t: {}}\n")
    wire = Wire(
        begin(path, resolves=True),
        {"type": "reply", "id": 1, "value": {"location": "plugin:a", "path": str(tmp_path / "a.yaml")}},
        {"type": "reply", "id": 2, "error": {"kind": "NotFound", "message": "there is no plugin b."}},
    )
    parser_process.main(wire)
    assert [frame["type"] for frame in wire.sent] == ["call", "call", "end"]
    assert wire.sent[0]["args"] == {"reference": "plugin:a", "version": "1_3"}
    (problem,) = wire.sent[-1]["problems"]
    assert "there is no plugin b" in problem["message"]


WORDS = st.sampled_from(
    [
        *SECTIONS,
        *FUNCTIONS,
        "type",
        "default",
        "properties",
        "interfaces",
        "relationships",
        "target",
        "members",
        "targets",
        "value",
        "values",
        "derived_from",
        "inputs",
        "implementation",
        "mapping",
        "scalable",
        "a",
        "b",
        "SELF",
        "cloudify.nodes.Root",
        "cloudify.policies.scaling",
        "string",
        "integer",
        "p.x",
    ]
)
VALUES = st.recursive(
    WORDS
    | st.none()
    | st.booleans()
    | st.integers(-2, 3)
    | st.just("")
    | st.floats(allow_nan=False, width=16),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.integers(0, 2), inner, max_size=3),
    max_leaves=15,
)
NAMES = st.sampled_from(["a", "b", "cloudify.nodes.Root"])
SECTION = st.dictionaries(NAMES, st.dictionaries(WORDS, VALUES, max_size=3) | VALUES, max_size=2) | VALUES


@given(st.dictionaries(st.sampled_from(sorted(SECTIONS)) | WORDS, SECTION, max_size=6), st.integers(0, 5))
@settings(max_examples=250, deadline=None)
def test_any_document_is_a_plan_or_a_list_of_problems(document: dict[str, Any], minor: int) -> None:
    document["tosca_definitions_version"] = f"cloudify_dsl_1_{minor}"
    check(json.dumps(document))


@given(st.text(alphabet="ab:{}[],-&*!|>'\"\n \t#?%@`<1", max_size=60))
@settings(max_examples=150, deadline=None)
def test_any_text_is_a_plan_or_a_list_of_problems(text: str) -> None:
    check(text)
    check("tosca_definitions_version: cloudify_dsl_1_3\n" + text)


def check(text: str) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "blueprint.yaml"
        path.write_text(text)
        problems = None
        try:
            plan = dsl.parse_blueprint(path)
        except dsl.BlueprintError as error:
            problems = error.problems
        if problems is not None:
            assert problems
            assert all(problem.file for problem in problems)
            return
        json.dumps(plan.pack())
        try:
            deployment = planning.prepare_deployment(plan, {})
            planning.create_instances(
                deployment.nodes, deployment.scaling_groups, deployment_id="d", new_id=iter_ids()
            )
        except CloudwrightError:
            return


def iter_ids() -> Any:
    numbers = iter(range(10**9))
    return lambda name: f"{name}_{next(numbers)}"


def test_a_plan_says_what_it_needs(tmp_path: Path) -> None:
    plan = parsed(
        tmp_path,
        TEXT
        + "outputs:\n  a: {value: {get_secret: key}}\n  b: {value: {concat: [{get_secret: [other, x]}, "
        + "{get_environment_capability: cap}]}}\n",
    )
    assert plan.section("requirements") == {
        "parent_capabilities": [["cap"]],
        "secrets": ["key", ["other", "x"]],
    }


@pytest.mark.parametrize("name", ["upload_resources", "dsl_definitions"])
def test_sections_that_are_kept_as_they_are(name: str, tmp_path: Path) -> None:
    assert parsed(tmp_path, f"{TEXT}{name}: {{plugin_resources: [a]}}\n").section(name) == {
        "plugin_resources": ["a"]
    }
