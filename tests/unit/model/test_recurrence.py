"""When schedules are due: spans, weekdays, rules of iCalendar, zones and changes of the clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudwright.errors import InvalidInput
from cloudwright.model.recurrence import Rule, first_to_come

BERLIN = "Europe/Berlin"


def at(text: str, zone: str = "UTC") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def times(number: int = 4, **rule: Any) -> list[str]:
    """The first times of a rule in UTC."""
    made = Rule(**rule)
    made.check()
    return [item.due.strftime("%Y-%m-%d %H:%M") for item in islice(made.occurrences(), number)]


def test_a_day_that_has_no_half_past_two_runs_at_half_past_three() -> None:
    rule = Rule(at("2027-03-27 02:30", BERLIN), recurrence="1 day", zone=BERLIN)
    shown = [item.due.astimezone(ZoneInfo(BERLIN)).isoformat() for item in islice(rule.occurrences(), 3)]
    assert shown == [
        "2027-03-27T02:30:00+01:00",
        "2027-03-28T03:30:00+02:00",
        "2027-03-29T02:30:00+02:00",
    ]


def test_a_day_that_has_half_past_two_twice_runs_once() -> None:
    rule = Rule(at("2027-10-30 02:30", BERLIN), recurrence="1d", count=3, zone=BERLIN)
    shown = [item.due.astimezone(ZoneInfo(BERLIN)).isoformat() for item in rule.occurrences()]
    assert shown == [
        "2027-10-30T02:30:00+02:00",
        "2027-10-31T02:30:00+02:00",
        "2027-11-01T02:30:00+01:00",
    ]


def test_hours_are_elapsed_time_over_both_changes_of_the_clock() -> None:
    for day in ("2027-03-27 23:00", "2027-10-30 23:00"):
        for way in ({"recurrence": "1 hour"}, {"rrule": "RRULE:FREQ=HOURLY"}):
            rule = Rule(at(day, BERLIN), zone=BERLIN, **way)  # type: ignore[arg-type]
            due = [item.due for item in islice(rule.occurrences(), 8)]
            assert {after - before for before, after in pairwise(due)} == {timedelta(hours=1)}


def test_hours_of_the_wall_clock_that_are_skipped_are_not_run_twice() -> None:
    rule = Rule(at("2027-03-28 00:00", BERLIN), rrule="FREQ=HOURLY;BYHOUR=1,2,3,4", zone=BERLIN)
    found = [(item.number, item.due.hour) for item in islice(rule.occurrences(), 4)]
    assert found == [(1, 0), (2, 1), (3, 2), (4, 23)]


@pytest.mark.parametrize(
    ("recurrence", "weekdays", "expected"),
    [
        ("1 month", ("1su", "l-fr"), ["2027-01-03", "2027-01-29", "2027-02-07", "2027-02-26"]),
        ("1 year", ("1su", "l-fr"), ["2027-01-03", "2027-01-29", "2028-01-02", "2028-01-28"]),
        ("1 week", ("1su", "l-fr"), ["2027-01-03", "2027-01-29", "2027-02-07", "2027-02-26"]),
        ("1 day", ("mo", "we"), ["2027-01-04", "2027-01-06", "2027-01-11", "2027-01-13"]),
        ("2 weeks", ("mo", "fr"), ["2027-01-01", "2027-01-11", "2027-01-15", "2027-01-25"]),
        ("2 mo", (), ["2027-01-01", "2027-03-01", "2027-05-01", "2027-07-01"]),
        ("1y", (), ["2027-01-01", "2028-01-01", "2029-01-01", "2030-01-01"]),
        ("3days", (), ["2027-01-01", "2027-01-04", "2027-01-07", "2027-01-10"]),
    ],
)
def test_spans_and_weekdays(recurrence: str, weekdays: tuple[str, ...], expected: list[str]) -> None:
    found = times(since=at("2027-01-01"), recurrence=recurrence, weekdays=weekdays)
    assert [time.split()[0] for time in found] == expected


def test_a_rule_of_icalendar_ends_by_its_count_and_its_until() -> None:
    since = at("2027-01-01")
    assert len(times(9, since=since, rrule="RRULE:FREQ=DAILY;COUNT=3")) == 3
    assert len(times(9, since=since, rrule="FREQ=DAILY;UNTIL=20270102T000000Z")) == 2
    assert len(times(9, since=since, rrule="FREQ=DAILY;UNTIL=20270104", until=at("2027-01-02"))) == 2


def test_once() -> None:
    assert times(since=at("2027-01-01 10:00"), count=1) == ["2027-01-01 10:00"]


def test_a_beginning_in_this_minute_is_to_come_and_one_before_is_over() -> None:
    rule = Rule(at("2027-01-01 10:00"), count=1)
    found = first_to_come(rule, at("2027-01-01 10:00:59"))
    assert found is not None
    assert found.due == rule.since
    assert first_to_come(rule, at("2027-01-01 10:01")) is None
    daily = Rule(at("2027-01-01 10:00"), recurrence="1 day", count=3)
    found = first_to_come(daily, at("2027-01-02 10:00:30"))
    assert found is not None
    assert (found.number, found.due) == (3, at("2027-01-03 10:00"))
    assert first_to_come(daily, at("2027-01-09")) is None


def test_a_rule_that_never_comes_is_soon_known_to_have_no_time() -> None:
    assert (
        first_to_come(Rule(at("2027-01-01"), rrule="FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"), at("2027-01-01"))
        is None
    )


def test_too_many_runs_in_the_past_are_refused() -> None:
    with pytest.raises(InvalidInput, match="in the past"):
        first_to_come(Rule(at("2027-01-01"), recurrence="1 min"), at("2028-01-01"))


@given(
    rule=st.sampled_from(
        [
            {"recurrence": "1 day", "zone": BERLIN},
            {"recurrence": "36 hours", "zone": "America/New_York"},
            {"recurrence": "1 month", "weekdays": ("1su", "l-fr", "tu")},
            {"recurrence": "3 weeks", "weekdays": ("mo", "su")},
            {"recurrence": "90 min", "weekdays": ("2mo", "sa"), "zone": BERLIN},
            {"rrule": "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SU;BYHOUR=2,9", "zone": BERLIN},
            {"rrule": "FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=-1"},
            {"rrule": "FREQ=YEARLY;BYMONTH=3,10;BYMONTHDAY=28,31;COUNT=15", "zone": BERLIN},
        ]
    ),
    day=st.datetimes(datetime(2026, 1, 1), datetime(2029, 1, 1)),
    place=st.integers(0, 12),
)
def test_a_rule_continued_from_any_of_its_times_has_the_same_times(
    rule: dict[str, Any], day: datetime, place: int
) -> None:
    made = Rule(day.replace(microsecond=0, tzinfo=UTC), **rule)
    whole = list(islice(made.occurrences(), 20))
    assert whole == sorted(whole, key=lambda item: item.due)
    if place < len(whole):
        rest = list(islice(made.after(whole[place]), 20 - place - 1))
        assert rest == whole[place + 1 :]
        assert next(made.after(whole[place], inclusive=True)) == whole[place]


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"count": 2},
        {"recurrence": "often"},
        {"recurrence": "0 days"},
        {"recurrence": "1 day", "weekdays": ("xx",)},
        {"recurrence": "1 day", "weekdays": ("5mo",)},
        {"recurrence": "1 day", "count": 0},
        {"recurrence": "1 day", "zone": "Mars/North"},
        {"recurrence": "1 day", "until": at("2026-01-01")},
        {"recurrence": "1 day", "rrule": "FREQ=DAILY"},
        {"count": 1, "rrule": "FREQ=DAILY"},
        {"rrule": ""},
        {"rrule": "FREQ=SECONDLY"},
        {"rrule": "FREQ=DAILY;INTERVAL=0"},
        {"rrule": "FREQ=DAILY;UNTIL=soon"},
        {"rrule": "FREQ=DAILY;BYDAY=XX"},
        {"rrule": "FREQ=DAILY;FREQ=DAILY"},
        {"rrule": "DTSTART:20270101T000000\nRRULE:FREQ=DAILY"},
        {"rrule": "FREQ=YEARLY;BYEASTER=1"},
    ],
)
def test_what_is_no_rule_is_refused(wrong: dict[str, Any]) -> None:
    rule = Rule(at("2027-01-01"), **wrong)
    with pytest.raises(InvalidInput):
        rule.check()


def test_years_that_no_schedule_has_are_refused() -> None:
    with pytest.raises(InvalidInput, match="2500"):
        first_to_come(Rule(at("2500-01-01"), count=1), at("2027-01-01"))
