from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudwright.console import formatting


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, "–"),
        (0.0004, "0 ms"),
        (0.25, "250 ms"),
        (4.23, "4.2 s"),
        (75, "1 min 15 s"),
        (3 * 3600 + 300, "3 h 5 min"),
        (2 * 86400 + 3600, "2 d 1 h"),
    ],
)
def test_durations(seconds: float | None, shown: str) -> None:
    assert formatting.duration(seconds) == shown


def test_a_time_has_its_zone_and_copies_as_iso() -> None:
    now = datetime(2026, 11, 30, 16, 0, tzinfo=UTC)
    today = formatting.time("2026-11-30T15:42:39.277Z", now)
    assert 'datetime="2026-11-30T15:42:39.277Z"' in today
    assert ">15:42:39 UTC<" in today
    assert ">2026-11-29 15:42:39 UTC<" in formatting.time("2026-11-29T15:42:39.277Z", now)


def test_the_servers_clock_tells_ages() -> None:
    now = datetime(2026, 11, 30, 16, 0, tzinfo=UTC)
    assert "1 min 0 s" in formatting.clock("2026-11-30T15:59:00.000Z", None, now)
    assert "data-since" not in formatting.clock("2026-11-30T15:58:00.000Z", "2026-11-30T15:59:00.000Z", now)


@given(st.text())
def test_no_text_becomes_markup_or_hides(text: str) -> None:
    shown = formatting.terminal(text)
    inside = shown.replace("</span>", "").replace("</a>", "")
    assert "<" not in inside.replace("<span ", "").replace("<a ", "")
    assert not any(character in shown for character in "\x1b\x00\x08\u202e\u2066\u200b")


def test_colours_end_where_they_are_reset() -> None:
    shown = formatting.terminal("a\x1b[31mb\x1b[1mc\x1b[39md\x1b[0me")
    assert shown == (
        'a<span class="ansi-red">b</span><span class="ansi-red ansi-bold">c</span>'
        '<span class="ansi-bold">d</span>e'
    )


def test_links_lead_to_web_pages_only() -> None:
    assert 'href="https://a.example/x?y=1"' in formatting.terminal("see https://a.example/x?y=1.")
    for text in ("javascript:alert(1)", "data:text/html,x", "ftp://a.example", 'http://"onclick=x'):
        assert "<a " not in formatting.terminal(text)
