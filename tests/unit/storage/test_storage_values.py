"""What goes into a column comes out of it, on both kinds of database."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Dialect
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.dialects.sqlite.base import SQLiteDialect

from cloudwright.model.execution import ExecutionStatus
from cloudwright.storage.columns import EnumText, UtcDateTime
from cloudwright.storage.json_codec import dumps, dumps_plain, loads, storable

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(alphabet=st.characters(exclude_categories=())),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(JSON)
def test_documents_come_back_as_they_were(value: object) -> None:
    text = dumps(value)
    assert loads(text) == value
    assert text.encode()
    assert "\0" not in text


def test_documents_are_json_that_others_read() -> None:
    assert json.loads(dumps({"a": [1, 2**80], "b": "\ud800"})) == {"a": [1, 2**80], "b": "\ud800"}
    assert dumps({"a": 1}) == '{"a":1}'
    assert loads(dumps({1: "x"})) == {"1": "x"}
    assert loads(dumps(math.nan)) is None
    assert loads(dumps({"a": [math.nan, -math.inf], "b": 2**80})) == {"a": [None, None], "b": 2**80}
    with pytest.raises(TypeError):
        dumps({"a": object()})


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_storable_text_is_what_a_database_keeps(text: str) -> None:
    kept = storable(text)
    assert kept.encode().decode() == kept
    assert "\0" not in kept
    assert storable(kept) == kept
    if "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text):
        assert kept == text


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ({"a\0": ["\\\0\0", "\\u0000"]}, {"a\ufffd": ["\\\ufffd\ufffd", "\\u0000"]}),
        ({"a": "\ud800\0ä", "b": 2**80}, {"a": "?\ufffdä", "b": 2**80}),
        ({"a": "ä😀"}, {"a": "ä😀"}),
    ],
)
def test_plain_documents_hold_what_a_database_can_look_for(value: object, kept: object) -> None:
    assert loads(dumps_plain(value)) == kept


MOMENTS = st.datetimes(
    min_value=datetime(1000, 1, 2),
    max_value=datetime(9998, 1, 1),
    timezones=st.sampled_from(
        [UTC, timezone(timedelta(hours=5, minutes=30)), timezone(timedelta(hours=-11))]
    ),
)


@given(MOMENTS, MOMENTS)
def test_times_on_sqlite_compare_as_texts(one: datetime, other: datetime) -> None:
    write = UtcDateTime().bind_processor(SQLiteDialect())
    read = UtcDateTime().result_processor(SQLiteDialect(), None)
    assert read is not None
    assert read(write(one)) == one
    assert read(write(one)).tzinfo is UTC
    assert (write(one) < write(other)) == (one < other)


@pytest.mark.parametrize("make", [SQLiteDialect, PGDialect])
def test_times_without_a_zone_are_refused(make: Callable[[], Dialect]) -> None:
    write = UtcDateTime().bind_processor(make())
    assert write(None) is None
    with pytest.raises(ValueError, match="no time zone"):
        write(datetime(2026, 1, 1))


def test_choices() -> None:
    column = EnumText(ExecutionStatus)
    write = column.bind_processor(SQLiteDialect())
    read = column.result_processor(SQLiteDialect(), None)
    for status in ExecutionStatus:
        assert type(write(status)) is str
        assert read(write(status)) is status
    assert (write(None), read(None)) == (None, None)
    with pytest.raises(ValueError, match="dancing"):
        write("dancing")
