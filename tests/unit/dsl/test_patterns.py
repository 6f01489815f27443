"""Matching what a blueprint's patterns describe takes no longer than there is patience."""

from __future__ import annotations

import re
import time
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudwright.dsl.patterns import MOST_STEPS, Patience, PatternTooSlow, most_steps

ENDLESS = ["(a+)+$", "(a|aa)*$", "(?x)(a+) # what\n +$", "(?:a*)*b", "a*a*a*a*a*a*a*a*b"]


@pytest.mark.parametrize("pattern", ENDLESS)
def test_what_would_not_end_is_ended(pattern: str) -> None:
    patience = Patience(0.3)
    with pytest.raises(PatternTooSlow):
        patience.matches(pattern, "a" * 2000 + "c")
    with pytest.raises(PatternTooSlow):
        patience.matches("a", "a")


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("^[a-z0-9-]+$", "a-name"),
        ("^[a-z0-9-]+$", "A name"),
        ("^[a-z]+(-[a-z]+)*$", "a-long-name"),
        ("^[a-z]+(-[a-z]+)*$", "a--name"),
        (r"(\d{1,3}\.){3}\d{1,3}", "10.0.0.1"),
        ("(é|\\ud800)*$", "ééé"),
        ("", ""),
    ],
)
def test_it_answers_what_python_answers(pattern: str, text: str) -> None:
    assert Patience().matches(pattern, text) is (re.match(pattern, text) is not None)


@given(st.text("ab()*+?|{}1,\\.[]^$", max_size=12), st.text("ab", max_size=60))
@settings(max_examples=300, deadline=None)
def test_what_looks_quick_is(pattern: str, text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compiled = re.compile(pattern)
        except (re.error, OverflowError):
            return
    if most_steps(pattern, len(text)) <= MOST_STEPS:
        began = time.process_time()
        compiled.match(text)
        assert time.process_time() - began < 2
