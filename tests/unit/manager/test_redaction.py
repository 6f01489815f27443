"""What is recorded holds no values of secrets."""

from __future__ import annotations

import gc
import json
from typing import Any
from urllib.parse import quote

import pytest

from cloudwright.manager.redaction import Concealment, Concealments, mask, unseal, without_sealed

VALUE = "pa ss/w\u00f6rd'\n\"x"
KEY = "-----BEGIN KEY-----\nMIIEpAIBAAKCAQEA\nabc\n-----END KEY-----\n"


@pytest.mark.parametrize(
    "text",
    [VALUE, repr(VALUE), json.dumps(VALUE), json.dumps({"p": VALUE}), f"http://u:{quote(VALUE, safe='')}@h/"],
)
def test_a_value_is_found_however_it_is_quoted(text: str) -> None:
    shown = mask(f"before {text} after", [VALUE])
    assert "w\u00f6rd" not in shown
    assert "***" in shown
    assert shown.startswith("before ")
    assert shown.endswith(" after")


def test_lines_of_a_longer_text_are_found_each() -> None:
    shown = [mask(line, [KEY]) for line in KEY.splitlines()]
    assert shown == ["***", "***", "abc", "***"]


def test_texts_in_a_document_are_found_each() -> None:
    document = json.dumps({"user": "anna-lena", "pins": [123456, True], "deep": [{"token": "t0ken"}]})
    assert mask("anna-lena 123456 true t0ken", [document]) == "*** *** true ***"


def test_what_is_too_short_to_hide_is_left() -> None:
    assert mask("one and none", ["one"]) == "one and none"
    assert mask("one and none", ["none", "one", "one and"]) == "*** ***"


def test_the_longest_value_is_found_first() -> None:
    assert mask("abcdefgh", ["abcd", "abcdefgh"]) == "***"


def concealing(*values: str) -> Concealment:
    made = Concealment()
    made.learn(values)
    return made


def test_inputs_are_sealed_and_put_back() -> None:
    concealment = concealing("s3cret")
    value: dict[str, Any] = {"a": ["is s3cret!", 1, None], "b": {"c": "s3cret"}, "d": "plain", "e": True}
    sealed = concealment.seal(value, lambda text: f"00000000:{text[::-1]}")
    assert "s3cret" not in json.dumps(sealed)
    assert json.loads(without_sealed(json.dumps(sealed))) == {
        "a": ["is ***!", 1, None],
        "b": {"c": "***"},
        "d": "plain",
        "e": True,
    }
    assert unseal(sealed, lambda text: text.partition(":")[2][::-1]) == value
    assert concealment.seal({"d": "plain"}, str.upper) == {"d": "plain"}
    same = {"x": [{"y": "plain"}]}
    assert concealment.seal(same, str.upper) is same
    assert Concealment().seal(value, str.upper) is value


def test_what_an_execution_has_read_is_kept_as_long_as_it_runs() -> None:
    known = Concealments()
    assert not known
    concealment = concealing("s3cret")
    known.add("e1", concealment)
    known.learn("e1", ["another"])
    known.learn("e2", ["third"])
    assert known.mask("e1", "s3cret another third") == "*** *** third"
    assert known.mask("e2", "s3cret") == "s3cret"
    del concealment
    gc.collect()
    assert not known
