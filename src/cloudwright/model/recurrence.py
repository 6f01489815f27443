"""When a schedule's executions are due: its rule, and the times that follow from it.

Times of days and longer spans are times of the wall clock in the schedule's zone: "every day at 02:30" is at
02:30 in summer and in winter. A time that a change of the clock skips is later by what was skipped (02:30 is
03:30 that day); one that comes twice counts once, the first time. Hours and minutes are elapsed time.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dateutil import rrule

from cloudwright.errors import InvalidInput

_SPAN = re.compile(r"(\d{1,6}) ?(min(?:ute)?|h(?:our)?|d(?:ay)?|w(?:eek)?|mo(?:nth)?|y(?:ear)?)s?", re.ASCII)
_UNITS = {
    "mi": rrule.MINUTELY,
    "h": rrule.HOURLY,
    "d": rrule.DAILY,
    "w": rrule.WEEKLY,
    "mo": rrule.MONTHLY,
    "y": rrule.YEARLY,
}
_DAYS = {"mo": rrule.MO, "tu": rrule.TU, "we": rrule.WE, "th": rrule.TH, "fr": rrule.FR} | {
    "sa": rrule.SA,
    "su": rrule.SU,
}
_WEEKDAY = re.compile(r"([1-4]|l-)?(mo|tu|we|th|fr|sa|su)", re.ASCII)
_PART = re.compile(r"([A-Z]+)=([A-Za-z0-9,+:-]+)", re.ASCII)
_FREQUENCIES = ("YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY")
_PARTS = {
    *("FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYSETPOS", "BYMONTH", "BYMONTHDAY", "BYYEARDAY"),
    *("BYWEEKNO", "BYDAY", "BYHOUR", "BYMINUTE", "BYSECOND"),
}
_FROM_NOW = re.compile(
    r"\+ ?(\d{1,6}) ?(min(?:ute)?|h(?:our)?|d(?:ay)?|w(?:eek)?|mo(?:nth)?|y(?:ear)?)s? ?(?=\+|$)"
)
_LENGTHS = {
    "min": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
#: The calendar repeats every 400 years. dateutil looks for a time that never comes until the year 9999: so
#: far in the future it gives up soon.
_AHEAD = 400 * 19
_YEARS = range(1970, 2370)
#: How many times of a rule may lie before its first one to come.
MAX_PAST = 20_000


class Occurrence(NamedTuple):
    """``nominal`` is the time without a zone from which the rule continues, ``number`` counts from 1, and
    ``due`` is when it is, in UTC.
    """

    nominal: datetime
    number: int
    due: datetime


@dataclass(frozen=True, slots=True)
class Rule:
    """``recurrence`` is a span such as `2 weeks`; without it and ``rrule`` the rule has one time.

    ``count`` is how many times there are, ``weekdays`` the days on which they may be (`mo`, `1su`, `l-fr`),
    ``rrule`` a rule of iCalendar in place of the three. ``zone`` is a name such as `Europe/Rome`; None is
    UTC. Times are aware.
    """

    since: datetime
    until: datetime | None = None
    recurrence: str | None = None
    count: int | None = None
    weekdays: tuple[str, ...] = ()
    rrule: str | None = None
    zone: str | None = None

    def check(self) -> None:
        """Raises InvalidInput."""
        zone_of(self.zone)
        if self.rrule is not None and (self.recurrence or self.count is not None or self.weekdays):
            raise InvalidInput("`rrule` stands alone: without `recurrence`, `count` and `weekdays`.")
        if self.rrule is None and self.recurrence is None and self.count != 1:
            raise InvalidInput(
                "`recurrence` must be given, such as `2 weeks`, or `rrule`, or a `count` of 1."
            )
        if self.count is not None and self.count < 1:
            raise InvalidInput("`count` must be at least 1.")
        if self.until is not None and self.until < self.since:
            raise InvalidInput("`until` is before `since`.")
        for day in self.weekdays:
            if not _WEEKDAY.fullmatch(day):
                raise InvalidInput(
                    f"`{day[:100]}` is not a weekday; write `mo`, or `1su` and `l-fr` for the first Sunday"
                    " and the last Friday of a month."
                )
        _steps(self)

    def occurrences(self) -> Iterator[Occurrence]:
        """Yield all, from the first."""
        start = _naive(self.since, self._wall_zone)
        return self.after(Occurrence(start, 1, self.since), inclusive=True)

    def after(self, last: Occurrence, *, inclusive: bool = False) -> Iterator[Occurrence]:
        """Yield those that follow one of them; with ``inclusive`` itself too, if it is one."""
        steps = _steps(self)
        number, before = (last.number if inclusive else last.number + 1), None if inclusive else last.due
        times = (
            (nominal, due)
            for nominal, due in self._times(steps, last.nominal)
            if inclusive or nominal > last.nominal
        )
        for nominal, due in times:
            if (steps.until is not None and due > steps.until) or (
                steps.count is not None and number > steps.count
            ):
                return
            # Two times of the wall clock are one if the clock skipped the hour between them.
            if before is None or due > before:
                yield Occurrence(nominal, number, due)
                number, before = number + 1, due

    def _times(self, steps: _Steps, start: datetime) -> Iterator[tuple[datetime, datetime]]:
        if start.year not in _YEARS:
            raise InvalidInput(f"The year {start.year} is not one that a schedule can have.")
        zone = self._wall_zone
        shifted = start.replace(year=start.year + _AHEAD)
        try:
            made: Any = steps.starting(shifted)
            for time in made:
                nominal = time.replace(year=time.year - _AHEAD)
                due = nominal.replace(tzinfo=zone).astimezone(UTC)
                if not steps.days or _is_on(steps.days, due.astimezone(zone_of(self.zone))):
                    yield nominal, due
        except (ValueError, OverflowError, TypeError, IndexError) as error:
            raise InvalidInput(f"The rule of the schedule cannot be used: {error}.") from error

    @property
    def _wall_zone(self) -> ZoneInfo | Any:
        return UTC if _steps(self).is_elapsed else zone_of(self.zone)


def zone_of(name: str | None) -> Any:
    """Return the time zone of a name, UTC for None. Raises InvalidInput."""
    if name is None:
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InvalidInput(f"`{name[:100]}` is not a time zone; write one as in `Europe/Rome`.") from error


def later(text: str, now: datetime) -> datetime:
    """Return the time that spans such as `+1day+10min` lead to. Raises InvalidInput.

    A month later is as many days after the first of that month.
    """
    spans = _FROM_NOW.findall(text)
    if not spans or _FROM_NOW.sub("", text):
        raise InvalidInput(f"`{text[:100]}` is not a time from now; its units are min, h, d, w, mo and y.")
    time = now
    try:
        for number, unit in spans:
            short = next((key for key in _LENGTHS if unit.startswith(key)), None)
            if short is not None:
                time += int(number) * _LENGTHS[short]
                continue
            months = time.month - 1 + int(number) * (12 if unit.startswith("y") else 1)
            first = time.replace(year=time.year + months // 12, month=months % 12 + 1, day=1)
            time = first + timedelta(days=time.day - 1)
    except (ValueError, OverflowError) as error:
        raise InvalidInput(f"`{text[:100]}` is too far away.") from error
    return time


def first_to_come(rule: Rule, now: datetime) -> Occurrence | None:
    """Return the first occurrence that is not over; a beginning in this minute is still to come.

    Raises InvalidInput if too many are over.
    """
    for occurrence in rule.occurrences():
        if occurrence.due > now or (occurrence.number == 1 and now - occurrence.due < timedelta(minutes=1)):
            return occurrence
        if occurrence.number >= MAX_PAST:
            raise InvalidInput(f"More than {MAX_PAST} runs of the schedule are in the past; begin it later.")
    return None


@dataclass(frozen=True, slots=True)
class _Steps:
    """A rule as dateutil makes times of it.

    ``days`` are those that it cannot choose itself. With ``is_elapsed`` its times are in UTC.
    """

    options: dict[str, Any]
    text: str | None
    count: int | None
    until: datetime | None
    days: tuple[tuple[int | None, int], ...]
    is_elapsed: bool

    def starting(self, start: datetime) -> Any:
        if self.text is not None:
            return rrule.rrulestr(self.text, dtstart=start)
        return rrule.rrule(dtstart=start, **self.options)


def _steps(rule: Rule) -> _Steps:
    if rule.rrule is not None:
        return _steps_of_text(rule)
    if rule.recurrence is None:
        return _Steps({"freq": rrule.DAILY, "count": 1}, None, 1, rule.until, (), False)
    found = _SPAN.fullmatch(rule.recurrence.strip())
    if found is None or int(found[1]) < 1:
        raise InvalidInput(f"`{rule.recurrence[:100]}` is not a span of time; write `2 weeks` or `10min`.")
    unit = found[2][:2] if found[2][:2] in _UNITS else found[2][0]
    frequency = _UNITS[unit]
    options: dict[str, Any] = {"freq": frequency, "interval": int(found[1])}
    parsed = [_WEEKDAY.fullmatch(day) for day in rule.weekdays]
    chosen = [(_nth(day[1]), _DAYS[day[2]]) for day in parsed if day is not None]
    if not chosen:
        days: tuple[tuple[int | None, int], ...] = ()
    elif frequency <= rrule.MONTHLY:
        options["byweekday"] = [day if nth is None else day(nth) for nth, day in chosen]
        if frequency == rrule.YEARLY:
            options["bymonth"] = _naive(rule.since, zone_of(rule.zone)).month
        days = ()
    else:
        if frequency == rrule.WEEKLY:
            options["byweekday"] = [day for _, day in chosen]
        days = tuple((nth, day.weekday) for nth, day in chosen)
    return _Steps(options, None, rule.count, rule.until, days, frequency >= rrule.HOURLY)


def _steps_of_text(rule: Rule) -> _Steps:
    text = (rule.rrule or "").strip().removeprefix("RRULE:")
    parts: dict[str, str] = {}
    for item in text.split(";"):
        found = _PART.fullmatch(item.strip())
        if found is None or found[1] not in _PARTS or found[1] in parts:
            raise InvalidInput(
                f"`{item[:100]}` is not a part of a rule; write one as in"
                " `RRULE:FREQ=DAILY;INTERVAL=3`, and its beginning in `since`."
            )
        parts[found[1]] = found[2]
    if parts.get("FREQ") not in _FREQUENCIES:
        raise InvalidInput(f"The rule needs one of these as FREQ: {', '.join(_FREQUENCIES)}.")
    for name in ("INTERVAL", "COUNT"):
        if name in parts and not re.fullmatch(r"[1-9]\d{0,5}", parts[name]):
            raise InvalidInput(f"{name} of the rule must be a number of 1 at least.")
    count = parts.pop("COUNT", None)
    until = rule.until
    if "UNTIL" in parts:
        end = _until(parts.pop("UNTIL"), zone_of(rule.zone))
        until = end if until is None else min(until, end)
    is_elapsed = parts["FREQ"] in ("HOURLY", "MINUTELY") and not any(name.startswith("BY") for name in parts)
    written = ";".join(f"{name}={value}" for name, value in parts.items())
    try:
        rrule.rrulestr(written, dtstart=datetime(2000, 1, 1))
    except (ValueError, TypeError, IndexError, KeyError) as error:
        raise InvalidInput(f"`{text[:200]}` is not a rule of iCalendar: {error}.") from error
    return _Steps({}, written, None if count is None else int(count), until, (), is_elapsed)


def _until(text: str, zone: Any) -> datetime:
    for form in ("%Y%m%dT%H%M%SZ", "%Y%m%dT%H%M%S", "%Y%m%d"):
        try:
            time = datetime.strptime(text, form)
        except ValueError:
            continue
        return time.replace(tzinfo=UTC if form.endswith("Z") else zone).astimezone(UTC)
    raise InvalidInput(f"`{text[:100]}` is not a time; write UNTIL as in 20301231T235900Z.")


def _nth(text: str | None) -> int | None:
    return None if text is None else -1 if text == "l-" else int(text)


def _is_on(days: tuple[tuple[int | None, int], ...], time: datetime) -> bool:
    """Return whether a local time is on one of the weekdays."""
    last = calendar.monthrange(time.year, time.month)[1]
    return any(
        time.weekday() == weekday
        and (nth is None or (time.day + 7 > last if nth == -1 else (time.day - 1) // 7 + 1 == nth))
        for nth, weekday in days
    )


def _naive(time: datetime, zone: Any) -> datetime:
    return time.astimezone(zone).replace(tzinfo=None)
