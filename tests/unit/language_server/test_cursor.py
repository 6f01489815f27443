"""Where a cursor stands in a blueprint that is being written."""

from __future__ import annotations

import pytest

from cloudwright.language_server.cursor import Path, cursor_at

CASES: list[tuple[str, Path, bool, str]] = [
    ("no|", (), True, "no"),
    ("inputs:\n  |", ("inputs",), True, ""),
    ("inputs:\n  size:\n    type: int|", ("inputs", "size", "type"), False, "int"),
    ("inputs:\n  size: { ty|", ("inputs", "size"), True, "ty"),
    ("inputs:\n  size: { type: int| }", ("inputs", "size", "type"), False, "int"),
    ("node_templates:\n  a:\n    type: x\n    |\n  b:\n    type: y", ("node_templates", "a"), True, ""),
    ("node_templates:\n  a:\n    type: x\n  |", ("node_templates",), True, ""),
    ("a:\n  b:\n    - c: 1\n      d|", ("a", "b", 0), True, "d"),
    ("a:\n  b:\n    - c: 1\n    - d|", ("a", "b", 1), True, "d"),
    ("a:\n  b:\n  - c: 1\n  - d: x|", ("a", "b", 1, "d"), False, "x"),
    ("a:\n  b:\n  - c: 1\n  e|", ("a",), True, "e"),
    ("a:\n  b:\n    - { c: 1, d: x|", ("a", "b", 0, "d"), False, "x"),
    ("a:\n  b: { get_property: [SELF, po|", ("a", "b", "get_property", 1), False, "po"),
    ("a:\n  b: { concat: ['x', { get_input: | }", ("a", "b", "concat", 1, "get_input"), False, ""),
    (
        "a:\n  b:\n    concat:\n      - x\n      - get_input: p|",
        ("a", "b", "concat", 1, "get_input"),
        False,
        "p",
    ),
    ("a: |\n  text: not a key\n\n  more\nb|", (), True, "b"),
    ("a:\n  # comment: here\n\n  b: c|", ("a", "b"), False, "c"),
    ('a:\n  "quoted key": v|', ("a", "quoted key"), False, "v"),
    ("a:\n  cloudify.interfaces.lifecycle:\n    cre|", ("a", "cloudify.interfaces.lifecycle"), True, "cre"),
    ("a: https://x|", ("a",), False, "https://x"),
    ("a:\n  - https://x|", ("a", 0), True, "https://x"),
]


@pytest.mark.parametrize(("text", "path", "is_key", "prefix"), CASES)
def test_the_path_to_a_cursor(text: str, path: Path, is_key: bool, prefix: str) -> None:
    before, _, after = text.rpartition("|")
    lines = before.split("\n")
    line, character = len(lines) - 1, len(lines[-1])
    found = cursor_at((before + after).split("\n"), line, character)
    assert (found.path, found.is_key, found.prefix) == (path, is_key, prefix)


def test_the_word_at_a_cursor_goes_on_behind_it() -> None:
    found = cursor_at(["a:", "  type: cloudify.nodes.Root # why"], 1, 12)
    assert (found.prefix, found.word) == ("clou", "cloudify.nodes.Root")
    assert cursor_at(["node_templates:"], 0, 4).word == "node_templates"
    assert cursor_at(["a: { get_input: port }"], 0, 17).word == "port"


@pytest.mark.parametrize("text", ["", "\t", "- - -", "a: [", "}}}", ": :", "- ]", "{", "&a *b", '"'])
def test_no_text_is_too_strange(text: str) -> None:
    for character in range(len(text) + 1):
        cursor_at([text], 0, character)
    cursor_at([], 0, 0)
