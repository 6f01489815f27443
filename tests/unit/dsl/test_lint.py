"""What a blueprint may say and probably does not mean is told, and refuses nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cloudwright.dsl import BlueprintError, Limits, parse_blueprint
from cloudwright.dsl.lint import slip

HEAD = """\
tosca_definitions_version: cloudify_dsl_1_3
plugins: {p: {executor: central_deployment_agent, install: false}}
inputs: {i: {default: 1}}
node_types:
  t:
    properties: {x: {default: 1}, y: {default: 2}}
    interfaces:
      life: {create: {implementation: p.x, inputs: {v: {default: 1}}}, start: p.y}
relationships:
  r:
    properties: {connection_type: {default: all_to_all}}
    source_interfaces: {link: {establish: p.x}}
"""


def told(tmp_path: Path, text: str, **more: Any) -> list[tuple[int, int, str, str | None]]:
    """Line behind the head, column, message and suggestion of each warning about the main file."""
    path = tmp_path / "blueprint.yaml"
    path.write_text(HEAD + text)
    warnings = parse_blueprint(path, **more).section("warnings")
    assert all(warning["file"] == str(path) for warning in warnings)
    lines = HEAD.count("\n")
    return [(w["line"] - lines, w["column"], w["message"], w["suggestion"]) for w in warnings]


@pytest.mark.parametrize(
    ("name", "arguments", "meant"),
    [
        ("get_proprty", "[SELF, y]", "get_property"),
        ("get_porperty", "[SELF, y]", "get_property"),
        ("getInput", "i", None),
        ("Get_Input", "i", "get_input"),
        ("get_inputs", "i", "get_input"),
        ("get-input", "i", "get_input"),
        ("get_capabilities", "[a, b]", "get_capability"),
        ("conct", "[a, b]", "concat"),
        ("mergee", "[{a: 1}]", "merge"),
        # Words that only look alike, and arguments that no function would take.
        ("contact", "[a, b]", None),
        ("get_input_x", "{a: 1}", None),
        ("get_inputs", "{a: 1}", None),
        ("concats", "text", None),
        ("label", "k", None),
    ],
)
def test_functions(tmp_path: Path, name: str, arguments: str, meant: str | None) -> None:
    text = f"node_templates:\n  n:\n    type: t\n    properties:\n      x: {{{name}: {arguments}}}\n"
    found = told(tmp_path, text)
    assert [(line, suggestion) for line, _, _, suggestion in found] == ([(5, meant)] if meant else [])
    assert all(f"`{name}` is not an intrinsic function" in message for _, _, message, _ in found)


@pytest.mark.parametrize(
    "text",
    [
        "outputs: {o: {value: [{get_inputs: i}]}}\n",
        "capabilities: {o: {value: {concat: [a, {get_inputs: i}]}}}\n",
        "node_templates: {n: {type: t, interfaces: {life: {create: {inputs: {v: {get_inputs: i}}}}}}}\n",
        "node_templates: {n: {type: t, properties: {x: {a: {get_inputs: i, type: integer}}}}}\n",
    ],
)
def test_functions_in_every_place(tmp_path: Path, text: str) -> None:
    assert [(line, meant) for line, _, _, meant in told(tmp_path, text)] == [(1, "get_input")]


def test_functions_in_what_types_declare(tmp_path: Path) -> None:
    path = tmp_path / "blueprint.yaml"
    text = HEAD.replace("inputs: {v: {default: 1}}", "inputs: {v: {default: {get_inputs: i}}}")
    path.write_text(text + "node_templates: {n: {type: t}, m: {type: t}}\n")
    (warning,) = parse_blueprint(path).section("warnings")
    line = text.splitlines()[warning["line"] - 1]
    assert (warning["suggestion"], line[warning["column"] - 1 :][:1]) == ("get_input", "v")


@pytest.mark.parametrize(
    ("value", "function"),
    [
        ("'{ get_input: i }'", "get_input"),
        ('"{get_attribute: [n, x]}"', "get_attribute"),
        ("'{ get_nothing: i }'", None),
        ("'{\"get_input\": 1}'", None),
        ("'{get_input:i}'", None),
        ("'say { get_input: i }'", None),
    ],
)
def test_functions_in_quotes(tmp_path: Path, value: str, function: str | None) -> None:
    found = told(tmp_path, f"node_templates: {{n: {{type: t, properties: {{x: [{value}]}}}}}}\n")
    assert [message for _, _, message, _ in found] == (
        [f"This is a text, and not the function `{function}`: it is in quotes."] if function else []
    )


@pytest.mark.parametrize(
    ("implementation", "meant"), [("p.scripts/run.sh", "scripts/run.sh"), ("p.run-it", None), ("p.a.b_1", "")]
)
def test_a_function_that_none_can_be(tmp_path: Path, implementation: str, meant: str | None) -> None:
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "run.sh").touch()
    text = f"node_templates: {{n: {{type: t, interfaces: {{i: {{o: {implementation}}}}}}}}}\n"
    found = told(tmp_path, text)
    assert [(column, suggestion) for _, column, _, suggestion in found] == (
        [] if meant == "" else [(text.index(implementation) + 1, meant)]
    )


def test_a_default_that_many_nodes_inherit_is_told_of_once(tmp_path: Path) -> None:
    path = tmp_path / "blueprint.yaml"
    text = HEAD.replace("x: {default: 1}", "x: {default: {get_inputs: i}}")
    path.write_text(text + "node_templates: {a: {type: t}, b: {type: t}, c: {type: t, properties: {y: 3}}}\n")
    assert len(parse_blueprint(path).section("warnings")) == 1


@pytest.mark.parametrize(
    ("interfaces", "name", "meant"),
    [
        ("life: {craete: p.z}", "craete", "create"),
        ("life: {starts: p.z}", "starts", "start"),
        ("lief: {create: p.z}", "lief", "life"),
        ("life: {Start: p.z}", "Start", "start"),
        ("life: {restart: p.z, delete: p.z, stop: p.z}", "", None),
        ("mine: {create: p.z}", "", None),
        ("life: {start: p.z}", "", None),
    ],
)
@pytest.mark.parametrize("of", ["template", "type"])
def test_operations(tmp_path: Path, interfaces: str, name: str, meant: str | None, of: str) -> None:
    if of == "template":
        found = told(tmp_path, f"node_templates: {{n: {{type: t, interfaces: {{{interfaces}}}}}}}\n")
    else:
        path = tmp_path / "blueprint.yaml"
        path.write_text(
            HEAD.replace("  t:\n", f"  u: {{derived_from: t, interfaces: {{{interfaces}}}}}\n  t:\n")
        )
        warnings = parse_blueprint(path).section("warnings")
        found = [(w["line"], w["column"], w["message"], w["suggestion"]) for w in warnings]
    assert [suggestion for *_, suggestion in found] == ([meant] if meant else [])
    assert all(f"`{name}` is not among" in message for _, _, message, _ in found)


def test_operations_of_relationships(tmp_path: Path) -> None:
    text = (
        "node_templates: {m: {type: t}, n: {type: t, relationships: ["
        "{type: r, target: m, %s: {link: {estabish: p.x}}}]}}\n"
    )
    assert [meant for *_, meant in told(tmp_path, text % "source_interfaces")] == ["establish"]
    assert told(tmp_path, text % "target_interfaces") == []


def test_keys_that_a_mapping_has_twice(tmp_path: Path) -> None:
    text = (
        "node_templates:\n  n:\n    type: t\n    properties: {x: 1, y: 2, x: 3}\n"
        "  m: {type: t}\n  n: {type: t}\n"
    )
    beginning = HEAD.count("\n")
    assert told(tmp_path, text) == [
        (4, 30, f"`x` is in this mapping twice: what line {beginning + 4} says of it has no effect.", None),
        (6, 3, f"`n` is in this mapping twice: what line {beginning + 2} says of it has no effect.", None),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "dsl_definitions: {a: &a {x: 1}}\nmetadata: {<<: *a, x: 2}\n",
        "dsl_definitions: {a: &a {x: 1}, b: &b {x: 1}}\nmetadata: {<<: *a, <<: *b}\n",
        "metadata: {1: a, '1': b}\n",
        "metadata: {a: {b: 1}, c: {b: 1}}\n",
    ],
)
def test_keys_that_are_there_once(tmp_path: Path, text: str) -> None:
    assert told(tmp_path, text) == []


def test_a_file_that_only_the_tolerant_reader_takes(tmp_path: Path) -> None:
    assert [line for line, *_ in told(tmp_path, "metadata: {a: [x:y, {b: 1, b: 2}], c: x?:y}\n")] == [1]


def test_warnings_come_with_the_problems_of_a_blueprint_that_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "blueprint.yaml"
    path.write_text(HEAD + "metadata: {a: 1, a: 2}\nnode_templates: {n: {type: nope}}\n")
    with pytest.raises(BlueprintError) as refusal:
        parse_blueprint(path)
    assert [problem.suggestion for problem in refusal.value.problems] == [None]
    assert ["`a` is in" in warning.message for warning in refusal.value.warnings] == [True]


def test_warnings_have_a_limit(tmp_path: Path) -> None:
    text = "metadata: {" + ", ".join(f"a{number // 2}: 1" for number in range(40)) + "}\n"
    assert len(told(tmp_path, text, limits=Limits(problems=7))) == 7


def test_imported_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "more.yaml").write_text("node_types: {u: {}, u: {}}\n")
    path = tmp_path / "blueprint.yaml"
    path.write_text(HEAD + "imports: [more.yaml]\n")
    (warning,) = parse_blueprint(path).section("warnings")
    assert (warning["file"], warning["line"], warning["column"]) == (str(tmp_path / "more.yaml"), 1, 21)


@pytest.mark.parametrize(
    ("name", "meant"),
    [("creat", "create"), ("craete", "create"), ("create", None), ("xcreatex", None), ("stpo", "stop"),
     ("step3", None), ("sto", None), ("STOP", "stop"), ("stopping", None)],
)  # fmt: skip
def test_slips(name: str, meant: str | None) -> None:
    assert slip(name, ["create", "step2", "stop"]) == meant
