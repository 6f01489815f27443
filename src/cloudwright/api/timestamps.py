"""Parsing of times in requests."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from cloudwright.errors import InvalidInput

_COMPACT = re.compile(r"\d{12}(?:Z|[+-]\d{4})", re.ASCII)
_RELATIVE = re.compile(r"(?:\+?\s*\d+\s*[a-z]+\s*)+", re.ASCII)
_TERM = re.compile(r"(\d+)\s*([a-z]+)", re.ASCII)
_UNITS = {
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
    # Approximations: for an exact date, write the date.
    "month": timedelta(days=30),
    "year": timedelta(days=365),
}
_SHORT = {
    "s": "second",
    "sec": "second",
    "m": "minute",
    "min": "minute",
    "h": "hour",
    "d": "day",
    "w": "week",
}


def optional_time(text: str | None, parse: Callable[[str], datetime]) -> datetime | None:
    return parse(text) if text else None


def parse_time(text: str) -> datetime:
    """Return a time in ISO 8601, or with a space for the ``T``; without a zone it is in UTC. Raises
    InvalidInput.
    """
    try:
        time = datetime.fromisoformat(text.strip())
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidInput(f"`{text[:100]}` is not a time; write one as in 2030-12-31T23:59:00Z.") from error


def parse_scheduled_time(text: str) -> datetime:
    """``203012312359+0100``, as the command line sends it, or ISO 8601. Raises InvalidInput."""
    if _COMPACT.fullmatch(text):
        try:
            return datetime.strptime(text, "%Y%m%d%H%M%z").astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise InvalidInput(f"`{text}` is not a time: it must be as in 203012312359+0100.") from error
    return parse_time(text)


def parse_expiration(text: str, now: datetime) -> datetime:
    """Return a time, or how long from now: ``+10h``, ``+30 minutes``, ``+1day +6h``. Raises InvalidInput."""
    text = text.strip().lower()
    if not text.startswith("+"):
        return parse_time(text.upper())
    time = now
    try:
        if not _RELATIVE.fullmatch(text):
            raise ValueError
        for number, unit in _TERM.findall(text):
            name = _SHORT.get(unit, unit.removesuffix("s"))
            time += int(number) * _UNITS[name]
    except (ValueError, KeyError, OverflowError) as error:
        raise InvalidInput(
            f"`{text[:100]}` is not a time from now; write one as in +10h, +30 minutes or +1 day."
        ) from error
    return time
