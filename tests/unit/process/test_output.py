from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudwright.process.output import LINE_LIMIT, OUTPUT_LIMIT, OUTPUT_LINES, OutputLines


@pytest.fixture
def emitted() -> list[tuple[str, str]]:
    return []


@pytest.fixture
def lines(emitted: list[tuple[str, str]]) -> OutputLines:
    return OutputLines(lambda line, level: emitted.append((line, level)))


@given(st.lists(st.binary(max_size=30), max_size=20))
def test_lines_are_the_same_however_the_bytes_are_cut(pieces: list[bytes]) -> None:
    whole: list[str] = []
    cut: list[str] = []
    once, often = (
        OutputLines(lambda line, _: whole.append(line)),
        OutputLines(lambda line, _: cut.append(line)),
    )
    once.feed(b"".join(pieces))
    for piece in pieces:
        often.feed(piece)
    once.close()
    often.close()
    assert whole == cut
    assert once.tail() == often.tail()


def test_lines_are_passed_on_as_they_are_finished(lines: OutputLines, emitted: list[tuple[str, str]]) -> None:
    lines.feed(b"one\ntw")
    assert emitted == [("one", "INFO")]
    lines.feed(b"o\r\n\nlast")
    assert [line for line, _ in emitted] == ["one", "two", ""]
    lines.close()
    lines.close()
    assert [line for line, _ in emitted] == ["one", "two", "", "last"]
    assert lines.tail() == "one\ntwo\n\nlast"


def test_bytes_that_are_no_text_are_replaced(lines: OutputLines, emitted: list[tuple[str, str]]) -> None:
    lines.feed("gr\u00fcn \0 ".encode() + b"\xff\n")
    assert emitted == [("gr\u00fcn \ufffd \ufffd", "INFO")]


def test_a_long_line_is_split_and_never_kept_whole(
    lines: OutputLines, emitted: list[tuple[str, str]]
) -> None:
    for _ in range(3 * LINE_LIMIT // 1024):
        lines.feed(b"x" * 1024)
    lines.feed(b"y\n")
    assert [line for line, _ in emitted] == ["x" * LINE_LIMIT] * 3 + ["y"]


def test_what_is_too_much_is_counted_and_said_once(
    lines: OutputLines, emitted: list[tuple[str, str]]
) -> None:
    line = b"x" * 1023 + b"\n"
    for _ in range(2 * OUTPUT_LIMIT // 1024):
        lines.feed(line)
    lines.feed(b"the end\n")
    lines.close()
    kept, notices = emitted[:-1], emitted[-1:]
    assert len(kept) == OUTPUT_LIMIT // 1024
    assert notices == [
        (f"{OUTPUT_LIMIT + 8} bytes of further output were dropped: there was too much of it.", "WARNING")
    ]
    assert lines.tail().splitlines()[-1] == "the end"


def test_many_empty_lines_are_too_much_as_well(lines: OutputLines, emitted: list[tuple[str, str]]) -> None:
    for _ in range(10):
        lines.feed(b"\n" * (OUTPUT_LINES // 5))
    lines.close()
    assert len(emitted) == OUTPUT_LINES + 1
    assert emitted[-1][0].startswith(f"{OUTPUT_LINES} bytes")


def test_the_tail_is_short(lines: OutputLines) -> None:
    lines.feed(b"".join(b"line %d\n" % number for number in range(1000)))
    assert lines.tail() == "\n".join(f"line {number}" for number in range(990, 1000))
    lines.feed(b"z" * 100_000)
    assert len(lines.tail()) == 4096
