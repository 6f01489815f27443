"""The example of the README, broken as somebody new to it would break it: what they read, and where."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from cloudwright import dsl

EXAMPLE = Path(__file__).parents[3] / "examples" / "hello"
GOOD = (EXAMPLE / "blueprint.yaml").read_text()
RELATED = """\
    relationships: [{type: cloudify.relationships.%s, target: %s}]
    interfaces:
"""
OTHER = """\
  other:
    type: cloudify.nodes.Root
    relationships: [{type: cloudify.relationships.contained_in, target: greeting}]

outputs:
"""


def problem_of(text: str, folder: Path) -> dsl.Problem:
    shutil.copytree(EXAMPLE, folder / "hello")
    file = folder / "hello" / "blueprint.yaml"
    file.write_text(text)
    with pytest.raises(dsl.BlueprintError) as refusal:
        dsl.parse_blueprint(file)
    (problem,) = refusal.value.problems
    assert problem.file == str(file)
    return problem


def test_the_example_is_valid() -> None:
    assert len(dsl.parse_blueprint(EXAMPLE / "blueprint.yaml").nodes) == 1


@pytest.mark.parametrize(
    ("written", "instead", "place", "says", "suggestion"),
    [
        ("    type: cl", "\ttype: cl", (16, 1), "Indent with spaces, not with tabs", None),
        (
            "    interfaces:", "   interfaces:", (17, 4),
            "no entry of the mapping that begins at line 15, column 3 can begin here", None,
        ),
        ("          implem", "         implem", (21, 17), "and the one before it are indented as they", None),
        ("node_templates:", "node_template:", (14, 1), "is not a section", "node_templates"),
        ("    interfaces:", "    interface:", (17, 5), "is not an entry of a node template", "interfaces"),
        ("nodes.Root", "nodes.Rot", (16, 11), "no node type `cloudify.nodes.Rot`", "cloudify.nodes.Root"),
        ("type: string", "type: sting", (11, 11), "no type `sting`", "string"),
        (
            "outputs:\n", OTHER.replace("contained_in", "contaned_in"), (28, 28),
            "There is no relationship type", "cloudify.relationships.contained_in",
        ),
        (
            "    interfaces:\n", RELATED % ("connected_to", "greting"), (17, 73),
            "no node template `greting`", "greeting",
        ),
        ("implementation: scripts/p", "implementaton: scripts/p", (24, 11), "an ope", "implementation"),
        ("types/types.yaml", "types/type.yaml", (6, 5), "no such file", "cloudify/types/types.yaml"),
        ("imports:\n  - cloudify/types/types.yaml", "", (15, 11), "There is no node type", None),
        ("get_input: name", "get_input: nmae", (22, 32), "There is no input `nmae`", "name"),
        ("[greeting, message]", "[greting, message]", (29, 30), "which does not exist", "greeting"),
        ("dsl_1_3", "dsl_1_9", (1, 28), "`cloudify_dsl_1_9` is not a version", "cloudify_dsl_1_5"),
        ("scripts/greet.sh", "scripts/great.sh", (20, 27), "no such file", "scripts/greet.sh"),
        ("outputs:\n", OTHER, (15, 3), "in a circle: `greeting` -> `other` -> `greeting`", None),
        ("Says hello", '"Says hello', (3, 14), "the quote that opens here is never closed", None),
        ("name }", "name", (23, 13), "the `{` of line 22, column 19 is not closed", None),
        ("Who is", "Who: is", (10, 21), "If it belongs to a text, put the text in quotes", None),
        ("default: world", "default:world", (12, 5), "`:`, or the space after it, missing?", None),
        ("{ get_input: name }", "{{ name }}", (22, 20), "`{{ ... }}` is not filled in", None),
        ("  name:\n    desc", "  - name:\n    desc", (8, 1), "The section `inputs` is a list", None),
        ("    interfaces:", "    relationships: {a: b}\n    interfaces:", (17, 5), "is a mapping", None),
        ("[greeting, message]", "[SELF, message]", (29, 30), "`SELF` means nothing here", None),
        ("cloudify_dsl_1_3", "tosca_simple_yaml_1_3", (1, 28), "is not a version of the language", None),
        ("    interf", "    properties: {port: 80}\n    interf", (17, 18), "has no property `port`", None),
    ],
)  # fmt: skip
def test_a_mistake(
    written: str, instead: str, place: tuple[int, int], says: str, suggestion: str | None, tmp_path: Path
) -> None:
    assert written in GOOD
    text = GOOD.replace(written, instead, 1)
    if instead is OTHER:
        text = text.replace("    interfaces:\n", RELATED % ("contained_in", "other"), 1)
    problem = problem_of(text, tmp_path)
    assert says in problem.message
    assert ((problem.line, problem.column), problem.suggestion) == (place, suggestion)


@pytest.mark.parametrize(
    ("written", "instead", "place", "says", "suggestion"),
    [
        ("get_attribute", "get_atribute", (29, 14), "is not an intrinsic function", "get_attribute"),
        ("        start:", "        strat:", (19, 9), "so it is a new one", "start"),
        ("lifecycle:", "lifecyle:", (18, 7), "the type's interfaces", "cloudify.interfaces.lifecycle"),
        ("        stop:", "        start:", (23, 9), "what line 19 says of it has no effect", None),
        ("{ get_input: name }", "'{ get_input: name }'", (22, 19), "it is in quotes", None),
    ],
)
def test_a_slip_that_is_allowed(
    written: str, instead: str, place: tuple[int, int], says: str, suggestion: str | None, tmp_path: Path
) -> None:
    assert written in GOOD
    shutil.copytree(EXAMPLE, tmp_path / "hello")
    file = tmp_path / "hello" / "blueprint.yaml"
    file.write_text(GOOD.replace(written, instead, 1))
    (warning,) = dsl.parse_blueprint(file).section("warnings")
    assert says in warning["message"]
    assert ((warning["line"], warning["column"]), warning["suggestion"]) == (place, suggestion)
