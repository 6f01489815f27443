from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudwright.process import frames
from cloudwright.process.frames import MAX_FRAME, Decoder, FrameError, encode, pack

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
messages = st.builds(
    lambda kind, more: {**more, "type": kind}, st.text(), st.dictionaries(st.text(), values, max_size=4)
)


@given(st.lists(messages, max_size=5), st.data())
def test_messages_come_out_as_they_went_in_however_the_bytes_are_cut(
    sent: list[dict[str, Any]], data: st.DataObject
) -> None:
    stream = b"".join(encode(message) for message in sent)
    decoders = (Decoder(), Decoder(orjson.loads))
    got: tuple[list[Any], list[Any]] = ([], [])
    position = 0
    while position < len(stream):
        size = data.draw(st.integers(1, 40))
        for decoder, into in zip(decoders, got, strict=True):
            into.extend(decoder.feed(stream[position : position + size]))
        position += size
    assert list(got) == [sent, sent]
    assert [decoder.pending for decoder in decoders] == [0, 0]


@given(st.binary(min_size=1, max_size=200))
def test_bytes_that_are_no_frames_raise_or_wait_for_more(data: bytes) -> None:
    decoder = Decoder()
    try:
        list(decoder.feed(data))
    except FrameError:
        return
    assert decoder.pending <= len(data)


def test_a_frame_is_a_length_and_json() -> None:
    assert encode({"type": "é"}) == b"\x00\x00\x00\x0d" + b'{"type":"\xc3\xa9"}'


@pytest.mark.parametrize(
    "body",
    [
        b"nonsense",
        b"[]",
        b"null",
        b'"text"',
        b"{}",
        b'{"type": 3}',
        b'{"type": "\xff"}',
        b"",
        b'{"type":NaN}',
    ],
)
@pytest.mark.parametrize("loads", [json.loads, orjson.loads])
def test_what_is_not_an_object_with_a_type_is_refused(body: bytes, loads: Any) -> None:
    with pytest.raises(FrameError):
        list(Decoder(loads).feed(pack(body)))


def test_messages_before_the_malformed_one_are_delivered() -> None:
    messages = Decoder().feed(encode({"type": "good"}) + pack(b"bad") + encode({"type": "late"}))
    assert next(messages) == {"type": "good"}
    with pytest.raises(FrameError):
        next(messages)


def test_a_length_above_the_largest_is_refused_before_anything_is_kept() -> None:
    decoder = Decoder()
    with pytest.raises(FrameError, match="may have 67108864"):
        list(decoder.feed((MAX_FRAME + 1).to_bytes(4, "big")))


def test_the_largest_frame_passes_and_one_byte_more_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    body = encode({"type": "x"})[4:]
    limit = len(body)
    assert list(Decoder(limit=limit).feed(pack(body, limit))) == [{"type": "x"}]
    with pytest.raises(FrameError):
        list(Decoder(limit=limit - 1).feed(pack(body)))
    monkeypatch.setattr(frames, "MAX_FROM_CHILD", limit)
    assert encode({"type": "x"})[4:] == body
    monkeypatch.setattr(frames, "MAX_FROM_CHILD", limit - 1)
    with pytest.raises(FrameError):
        encode({"type": "x"})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), b"bytes", {1, 2}])
def test_what_is_not_json_is_refused_where_it_is_sent(value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        encode({"type": "x", "value": value})


def test_an_undecodable_file_name_does_not_stop_a_message() -> None:
    (message,) = Decoder(orjson.loads).feed(encode({"type": "log", "message": "file \udcff"}))
    assert message == {"type": "log", "message": "file ?"}
