"""What an author reads when a blueprint is wrong: place, reason, what was expected, what was meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloudwright import dsl

GOOD = """\
tosca_definitions_version: cloudify_dsl_1_4

imports:
  - cloudify/types/types.yaml

inputs:
  port:
    type: integer
    default: 8080

plugins:
  web:
    executor: central_deployment_agent
    source: web-plugin

node_templates:
  host:
    type: cloudify.nodes.Compute
    properties:
      agent_config:
        install_method: none
  server:
    type: cloudify.nodes.WebServer
    properties:
      port: { get_input: port }
    interfaces:
      cloudify.interfaces.lifecycle:
        start:
          implementation: web.tasks.start
          inputs:
            address: { get_attribute: [host, ip] }
    relationships:
      - type: cloudify.relationships.contained_in
        target: host

outputs:
  url:
    value: { concat: ['http://', { get_attribute: [host, ip] }, ':', { get_property: [server, port] }] }
"""

#: Each as a new user might do it: what is replaced by what, and then the line and column and words of the
#: message.
BREAKS = [
    ("cloudify_dsl_1_4", "cloudify_dsl_1.4", 1, 28, "Did you mean `cloudify_dsl_1_4`?"),
    ("node_templates:", "node_template:", 16, 1, "Did you mean `node_templates`?"),
    (
        "type: cloudify.nodes.WebServer",
        "type: cloudify.nodes.Webserver",
        23,
        11,
        "`cloudify.nodes.WebServer`?",
    ),
    ("target: host", "target: hots", 34, 17, "Did you mean `host`?"),
    ("get_input: port", "get_input: prot", 25, 26, "Did you mean `port`?"),
    ("default: 8080", "default: eighty", 9, 14, "not of type `integer`"),
    ("implementation: web.tasks", "implementation: wbe.tasks", 29, 27, "Did you mean `web`?"),
    ("    properties:\n      port:", "    properties:\n      prot:", 25, 7, "Did you mean `port`?"),
    ("get_property: [server, port]", "get_property: [server, prt]", 38, 95, "Did you mean `port`?"),
    ("executor: central_deployment_agent", "executor: central", 13, 15, "`central_deployment_agent`"),
    ("  - cloudify/types/types.yaml", "  - cloudify/types/type.yaml", 4, 5, "no such file"),
    ("contained_in\n        target", "contained_in\n        targt", 34, 9, "Did you mean `target`?"),
    ("    type: integer", "    type: int", 8, 11, "`integer`?"),
    ("[host, ip] }\n    rel", "[SOURCE, ip] }\n    rel", 31, 40, "`SOURCE` means nothing here"),
    ("outputs:\n  url:\n    value", "outputs:\n  url:\n    val", 38, 5, "Did you mean `value`?"),
]


def problems(folder: Path, text: str) -> list[dsl.Problem]:
    path = folder / "blueprint.yaml"
    path.write_text(text)
    with pytest.raises(dsl.BlueprintError) as refusal:
        dsl.parse_blueprint(path)
    return refusal.value.problems


def test_the_example_is_good(tmp_path: Path) -> None:
    path = tmp_path / "blueprint.yaml"
    path.write_text(GOOD)
    plan = dsl.parse_blueprint(path)
    assert [node["id"] for node in plan.nodes] == ["host", "server"]


@pytest.mark.parametrize(
    ("old", "new", "line", "column", "words"), BREAKS, ids=[new for _, new, *_ in BREAKS]
)
def test_broken_as_a_new_user_would(
    old: str, new: str, line: int, column: int, words: str, tmp_path: Path
) -> None:
    assert GOOD.count(old) >= 1
    found = problems(tmp_path, GOOD.replace(old, new, 1))
    said = [problem for problem in found if words in str(problem)]
    assert said, [str(problem) for problem in found]
    assert (said[0].line, said[0].column) == (line, column), str(said[0])
    assert said[0].file == str(tmp_path / "blueprint.yaml")


def test_independent_problems_come_together_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = GOOD
    for old, new in (
        ("default: 8080", "default: x"),
        ("target: host", "target: h"),
        ("web.tasks", "nope.tasks"),
    ):
        text = text.replace(old, new)
    found = problems(tmp_path, text)
    assert [problem.line for problem in found] == [9, 29, 34]


def test_what_depends_on_something_wrong_is_not_a_problem_of_its_own(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        "tosca_definitions_version: cloudify_dsl_1_3\n"
        "node_types:\n  base: {properties: {x: {type: nope}}}\n"
        "  derived: {derived_from: base, intrfaces: {}}\n"
        "  third: {derived_from: derived}\n"
        "node_templates:\n  a: {type: third}\n  b: {type: derived, relationships: []}\n",
    )
    assert [problem.path for problem in found] == [
        "node_types.base.properties.x.type",
        "node_types.derived.intrfaces",
    ]


def test_problems_in_imported_files_name_those(tmp_path: Path) -> None:
    (tmp_path / "types.yaml").write_text("node_types:\n  t:\n    propertis: {}\n")
    (tmp_path / "more.yaml").write_text("node_templates:\n  n:\n    type: x\n")
    found = problems(
        tmp_path, "tosca_definitions_version: cloudify_dsl_1_3\nimports: [types.yaml, ns--more.yaml]\n"
    )
    assert {(Path(str(problem.file)).name, problem.line) for problem in found} == {
        ("types.yaml", 3),
        ("more.yaml", 3),
    }
    assert "`ns--x`" in "".join(map(str, found))


def test_relationships_that_another_file_added_are_found_there(tmp_path: Path) -> None:
    (tmp_path / "more.yaml").write_text(
        "node_templates:\n  n:\n    relationships:\n"
        "      - {type: r, target: m}\n      - {type: r, target: q}\n"
    )
    (problem,) = problems(
        tmp_path,
        "tosca_definitions_version: cloudify_dsl_1_3\nimports: [more.yaml]\nnode_types: {t: {}}\n"
        "relationships: {r: {}}\nnode_templates:\n  m: {type: t}\n  n:\n    type: t\n"
        "    relationships:\n      - {type: r, target: m}\n",
    )
    assert (Path(str(problem.file)).name, problem.line) == ("more.yaml", 5)
    assert problem.path == "node_templates.n.relationships[2].target"


def test_a_conflict_names_the_other_place(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("inputs:\n  x: {}\n")
    (problem,) = problems(
        tmp_path, "tosca_definitions_version: cloudify_dsl_1_3\nimports: [a.yaml]\ninputs:\n  x: {}\n"
    )
    assert problem.file == str(tmp_path / "a.yaml")
    assert f"{tmp_path / 'blueprint.yaml'}:4" in problem.message


def test_problems_as_data(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, GOOD.replace("target: host", "target: hots"))
    data = problem.to_json()
    assert data["suggestion"] == "host"
    assert data["path"] == "node_templates.server.relationships[0].target"
    assert set(data) == {"message", "file", "line", "column", "path", "expected", "suggestion"}


def test_there_are_not_more_problems_than_anybody_reads(tmp_path: Path) -> None:
    nodes = "".join(f"  n{index}: {{type: nope{index}}}\n" for index in range(500))
    path = tmp_path / "blueprint.yaml"
    path.write_text(
        f"tosca_definitions_version: cloudify_dsl_1_3\nnode_types: {{t: {{}}}}\nnode_templates:\n{nodes}"
    )
    with pytest.raises(dsl.BlueprintError) as refusal:
        dsl.parse_blueprint(path, limits=dsl.Limits(problems=20))
    assert len(refusal.value.problems) == 20


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(dsl.BlueprintError, match="No such file"):
        dsl.parse_blueprint(tmp_path / "nope.yaml")


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "blueprint.yaml"
    path.write_bytes(b"\xff\xfe\x00binary")
    with pytest.raises(dsl.BlueprintError) as raised:
        dsl.parse_blueprint(path)
    assert raised.value.problems[0].message == (
        "It cannot be read: it is not a text in UTF-8; save it as one."
    )


def test_an_import_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "more.yaml").write_bytes(b"\xff\xfe\x00binary")
    path = tmp_path / "blueprint.yaml"
    path.write_text("tosca_definitions_version: cloudify_dsl_1_3\nimports: [more.yaml]\n")
    with pytest.raises(dsl.BlueprintError) as raised:
        dsl.parse_blueprint(path)
    [problem] = raised.value.problems
    assert problem.message == ("`more.yaml` cannot be imported: it is not a text in UTF-8; save it as one.")
    assert problem.suggestion is None


def test_a_file_that_is_too_large(tmp_path: Path) -> None:
    path = tmp_path / "blueprint.yaml"
    with path.open("w") as file:
        file.truncate(200 * 1024 * 1024)
    with pytest.raises(dsl.BlueprintError, match="the limit is 33554432"):
        dsl.parse_blueprint(path)


def test_too_many_files(tmp_path: Path) -> None:
    for index in range(20):
        (tmp_path / f"a{index}.yaml").write_text(f"imports: [a{index + 1}.yaml]\n")
    (tmp_path / "a20.yaml").write_text("{}\n")
    path = tmp_path / "blueprint.yaml"
    path.write_text("tosca_definitions_version: cloudify_dsl_1_3\nimports: [a0.yaml]\n")
    dsl.parse_blueprint(path)
    with pytest.raises(dsl.BlueprintError, match="limit of 10 files"):
        dsl.parse_blueprint(path, limits=dsl.Limits(files=10))


def test_types_that_build_on_too_many_others(tmp_path: Path) -> None:
    chain = "".join(f"  t{k}: {{derived_from: t{k + 1}}}\n" for k in range(2000))
    data = "".join(f"  d{k}: {{properties: {{x: {{type: d{k + 1}}}}}}}\n" for k in range(2000))
    head = "tosca_definitions_version: cloudify_dsl_1_3\n"
    found = problems(tmp_path, f"{head}node_types:\n{chain}  t2000: {{}}\ndata_types:\n{data}  d2000: {{}}\n")
    assert [problem.message for problem in found if "limit of 60 levels" in problem.message]
    assert len(found) == 2


def test_data_types_that_double_are_refused(tmp_path: Path) -> None:
    doubled = "".join(
        f"  d{k}: {{properties: {{x: {{type: d{k + 1}}}, y: {{type: d{k + 1}}}}}}}\n" for k in range(40)
    )
    (problem,) = problems(
        tmp_path, f"tosca_definitions_version: cloudify_dsl_1_3\ndata_types:\n{doubled}  d40: {{}}\n"
    )
    assert "Data types make more than the limit" in problem.message


def test_too_many_instances(tmp_path: Path) -> None:
    (problem,) = problems(
        tmp_path,
        "tosca_definitions_version: cloudify_dsl_1_3\nnode_types: {t: {}}\n"
        "node_templates: {n: {type: t, capabilities: "
        "{scalable: {properties: {default_instances: 999999999}}}}}\n",
    )
    assert "1000000" in str(problem)
