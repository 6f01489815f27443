"""Reading YAML: values, limits, and what libyaml refuses."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudwright.dsl.limits import Limits
from cloudwright.dsl.source_positions import SourcePositions
from cloudwright.dsl.yaml_reader import Budget, TextError, read_yaml


def read(text: str, **limits: int) -> object:
    return read_yaml(text, Budget(Limits(**limits))).value


scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.text(alphabet="ab:#-{}[],'\"*&!|> \n1.", max_size=8)
)
documents = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("abc1:~", max_size=4), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(documents)
@settings(max_examples=150, deadline=None)
def test_it_reads_what_the_safe_loader_reads(document: object) -> None:
    text = yaml.safe_dump(document)
    loaded = yaml.safe_load(text)
    assert read(text) == ({} if loaded is None else loaded)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 2020-01-01", {"a": "2020-01-01"}),
        ("a: =", {"a": "="}),
        ("a: !!float 3", {"a": 3.0}),
        ("a: ! 12", {"a": "12"}),
        ("{a: &x [1], b: *x}", {"a": [1], "b": [1]}),
        ("<<: {a: 1}\nb: 2", {"a": 1, "b": 2}),
        ("'<<': {a: 1}", {"<<": {"a": 1}}),
        ("b: &b {x: 1}\nc: {<<: *b, x: 2}\nd: *b", {"b": {"x": 1}, "c": {"x": 2}, "d": {"x": 1}}),
        ("", {}),
        ("# nothing", {}),
    ],
)
def test_values(text: str, value: object) -> None:
    assert read(text) == value


@pytest.mark.parametrize("text", ["k: {b:}", "k: [a:, b]", "k: {b: 1, c:}"])
def test_what_only_the_tolerant_reader_accepts(text: str) -> None:
    with pytest.raises(yaml.YAMLError):
        yaml.load(text, Loader=yaml.CSafeLoader)
    assert read(text) == yaml.safe_load(text)


def test_a_lone_question_mark_in_a_list_is_read_like_yaml() -> None:
    # PyYAML's fast reader accepts it since 6.0.4; with an older one the tolerant reader does.
    assert read("k: [?]") == yaml.safe_load("k: [?]") == {"k": [{None: None}]}


def test_the_tolerant_reader_is_not_used_for_large_files() -> None:
    with pytest.raises(TextError):
        read("k: {b:}\n" + "# filler\n" * 200, tolerant_bytes=100)


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("a: 1\nb: [1, 2\nc: 3\n", 3, 2),
        ("a: 1\n\tb: 2\n", 2, 1),
        ("a: *nowhere\n", 1, 4),
        ("a: 1\n---\nb: 2\n", 2, 1),
        ("a: !thing 1\n", 1, 4),
        ("a:\n  {[1]: 2}\n", 2, 4),
        ("a: 'b\n", 1, 4),
        ('a: "\\d+"\n', 1, 6),
        ("a: @b\n", 1, 4),
        ("a: [\n", 2, 1),
        ("a:b\nc: 1\n", 2, 2),
        ("- a\nb: 1\n", 2, 1),
    ],
)
def test_errors_say_where(text: str, line: int, column: int) -> None:
    with pytest.raises(TextError) as refusal:
        read(text)
    assert (refusal.value.line, refusal.value.column) == (line, column)


@pytest.mark.parametrize(
    "text",
    [
        "a: .inf",
        "a: .nan",
        "a: -.inf",
        "a: 99999999999999999999",
        'a: "x\\0y"',
        'a: "\\ud800"',
        "a: " + "9" * 5000,
    ],
)
def test_what_cannot_be_kept_is_refused(text: str) -> None:
    with pytest.raises(TextError):
        read(text)


def test_large_numbers_and_all_characters_that_can_be_kept() -> None:
    assert read("[18446744073709551615, -9223372036854775808, 1.7e+308]") == [2**64 - 1, -(2**63), 1.7e308]
    assert read('["\\U0001F600", "é", "\\t\\x07"]') == ["\U0001f600", "é", "\t\x07"]


def test_an_alias_bomb_is_refused_before_it_is_made() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    # Its 9 ** 12 values would take longer than a test may.
    with pytest.raises(TextError, match="limit of 8000000 values"):
        read("\n".join(lines))


def test_an_alias_bomb_of_merges_is_refused() -> None:
    lines = ["a0: &a0 {k: [x, x, x]}"]
    lines += [f"a{n}: &a{n} {{x: *a{n - 1}, y: *a{n - 1}, z: *a{n - 1}}}" for n in range(1, 20)]
    with pytest.raises(TextError, match="limit"):
        read("\n".join(lines), values=10_000)


def test_an_alias_inside_of_its_own_anchor_is_refused() -> None:
    with pytest.raises(TextError, match="not defined before"):
        read("a: &a [*a]")


@pytest.mark.parametrize("text", ["[" * 5000, "{a: " * 5000, "- " * 5000 + "x"])
def test_deep_nesting_is_refused(text: str) -> None:
    with pytest.raises(TextError):
        read(text)


def test_deep_nesting_by_aliases_is_refused() -> None:
    lines = ["a0: &a0 [x]"] + [f"a{n}: &a{n} {{k: *a{n - 1}}}" for n in range(1, 500)]
    with pytest.raises(TextError, match="limit of 100 levels"):
        read("\n".join(lines))
    assert read("\n".join(lines[:90]))


def test_the_budget_is_shared_by_files() -> None:
    budget = Budget(Limits(values=10))
    read_yaml("[1, 2, 3]", budget)
    with pytest.raises(TextError):
        read_yaml("[1, 2, 3, 4, 5, 6]", budget)


def test_marks_find_keys_values_items_and_what_was_merged() -> None:
    text = "a:\n  b:\n    - x: 1\n    - y: 2\nbase: &base\n  deep: {k: 1}\nc:\n  <<: *base\n  own: 3\n"
    marks = SourcePositions(text)
    assert marks.find(("a", "b", 1, "y")) == (4, 10)
    assert marks.find(("a", "b", 1, "y"), key=True) == (4, 7)
    assert marks.find(("a", "b")) == (2, 3)
    assert marks.find(("c", "deep", "k")) == (6, 13)
    assert marks.find(("c", "missing", "z"), key=True) == (7, 1)
    assert marks.find(()) == (1, 1)
    assert SourcePositions("{").find(("a",)) is None
