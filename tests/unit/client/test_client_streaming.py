"""Server-sent events are cut at line feeds and at nothing else, however they arrive."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cloudwright.client.streaming import read_messages, split_lines


@given(
    st.lists(st.dictionaries(st.text(max_size=5), st.text(max_size=30), max_size=3), max_size=5),
    st.lists(st.integers(1, 40), min_size=1, max_size=10),
)
def test_messages_arrive_as_they_were_sent(documents: list[dict[str, Any]], sizes: list[int]) -> None:
    # What an operation printed may hold characters that str.splitlines takes for the end of a line.
    body = b"".join(
        b"event: event\ndata: "
        + json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")
        + b"\n\n"
        for document in documents
    )
    parts: list[bytes] = []
    place = 0
    while place < len(body):
        size = sizes[len(parts) % len(sizes)]
        parts.append(body[place : place + size])
        place += size
    received = [message.data for message in read_messages(split_lines(parts))]
    assert received == [
        json.loads(json.dumps(document, ensure_ascii=False).encode("utf-8", "replace"))
        for document in documents
    ]


def test_binary_output_is_one_message() -> None:
    text = "a\u2028b\x85c\x0bd\x1ee"
    body = b"data: " + json.dumps({"message": text}, ensure_ascii=False).encode() + b"\n\n"
    (message,) = read_messages(split_lines([body]))
    assert message.data == {"message": text}


def test_a_message_that_was_cut_off_is_dropped() -> None:
    assert list(read_messages(split_lines([b"data: {}\n\ndata: {}"]))) != []
    assert len(list(read_messages(split_lines([b"data: {}\n\ndata: {}\n"])))) == 1
