"""Inputs and parameters in every form that they may be given."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from cloudwright.cli.inputs import read_all, read_labels


def read(*sources: str) -> dict[str, Any]:
    return read_all(sources, "-i")


@pytest.mark.parametrize(
    ("source", "values"),
    [
        ("a=1", {"a": "1"}),
        ("a=1;b=x=y; c = spaced ;", {"a": "1", "b": "x=y", "c": "spaced"}),
        ("a=", {"a": ""}),
        ('{"a": 1, "b": [true, null]}', {"a": 1, "b": [True, None]}),
        ("{a: 1}", {"a": 1}),
        ("a: 1\nb: x", {"a": 1, "b": "x"}),
        ("a: 1", {"a": 1}),
        ("{}", {}),
        ("day: 2024-05-01", {"day": "2024-05-01"}),
    ],
)
def test_texts(source: str, values: dict[str, Any]) -> None:
    assert read(source) == values


def test_files_folders_and_patterns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("more").mkdir()
    Path("more/1.yaml").write_text("a: 1\nb: 1")
    Path("more/2.yml").write_text("b: 2")
    Path("more/no.txt").write_text("]")
    Path("empty.yaml").write_text("")
    Path("odd=name.yaml").write_text("c: 3")
    assert read("more/1.yaml") == {"a": 1, "b": 1}
    assert read("more") == read("more/") == read("more/*.y*ml") == {"a": 1, "b": 2}
    assert read("empty.yaml") == {}
    assert read("odd=name.yaml") == {"c": 3}


def test_later_ones_win() -> None:
    assert read("a=1;b=1", '{"b": 2}', "c=3") == {"a": "1", "b": 2, "c": "3"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [1,\nb: }", "bad.yaml:2:4: "),
        ("a: b: c", "bad.yaml:1:5: "),
        ("- 1", "bad.yaml:1:1: expected names with values, found a list."),
        ("just words", "bad.yaml:1:1: expected names with values, found `just words`."),
        ("a: !!python/object:os.system x", "bad.yaml:1:4: "),
    ],
)
def test_a_mistake_in_a_file_is_told_with_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bad.yaml").write_text(text)
    with pytest.raises(click.BadParameter) as caught:
        read("bad.yaml")
    assert caught.value.message.startswith(said)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("nowhere.yaml", "there is no file `nowhere.yaml`"),
        ("no/where", "there is no file `no/where`"),
        ("word", "`word` cannot be understood"),
        ("a=1;b", "`a=1;b` cannot be understood"),
        ("=1", "cannot be understood"),
        ("{a: [}", "the given text:1:"),
    ],
)
def test_what_cannot_be_understood(source: str, said: str) -> None:
    with pytest.raises(click.BadParameter) as caught:
        read(source)
    assert said in caught.value.message


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(click.BadParameter, match="not a text in UTF-8"):
        read(str(path))


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text("abc xyz:", max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1), inner, max_size=3)
    ),
)


@given(st.dictionaries(st.text("abc", min_size=1, max_size=5), plain, max_size=4))
def test_json_and_yaml_say_the_same(values: dict[str, Any]) -> None:
    assert read(json.dumps(values)) == values
    assert read(yaml.safe_dump(values, default_flow_style=True)) == values


def test_labels() -> None:
    assert read_labels(r"Env:prod,owner:a\,b\:c") == [{"env": "prod"}, {"owner": "a,b:c"}]
    for wrong in ("env", "env:", ":x", "a:b:c"):
        with pytest.raises(click.BadParameter, match="is not a label"):
            read_labels(wrong)
