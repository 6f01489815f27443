"""Times as they are typed: dates, times of day, and ages."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import click

UNITS = {
    "second": 1,
    "minute": 60,
    "hour": 3600,
    "day": 86400,
    "week": 604800,
    "month": 2629800,
    "year": 31557600,
}

TIMES = "`2024-05-01`, `2024-05-01 12:00` in UTC, or seconds since 1970"


def read_time(ctx: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """Return a date, a date and a time, or seconds since 1970, as an ISO 8601 text in UTC."""
    if value is None:
        return None
    text = value.strip()
    try:
        seconds = re.fullmatch(r"\d{9,}(\.\d+)?", text)
        moment = datetime.fromtimestamp(float(text), UTC) if seconds else datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        message = f"`{value}` is not a time: write `2024-05-01` or `2024-05-01T12:00:00`."
        raise click.BadParameter(message) from None
    return as_utc(moment)


def read_age(ctx: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """``2 weeks`` or ``3 hours ago`` as an ISO 8601 text in UTC."""
    if value is None:
        return None
    match = re.fullmatch(rf"(\d+)\s*({'|'.join(UNITS)})s?(\s+ago)?", value.strip())
    if match is None:
        raise click.BadParameter(f"`{value}` is not an age: write `3 hours` or `2 weeks ago`.")
    try:
        return as_utc(datetime.now(UTC) - timedelta(seconds=int(match[1]) * UNITS[match[2]]))
    except OverflowError:
        raise click.BadParameter(f"`{value}` is longer ago than any time.") from None


def as_utc(moment: datetime) -> str:
    """A time that names no zone is in UTC, as all that a manager says."""
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
