"""Times as people write them on a command line: `+2 weeks`, `+1day+10min`, `2030-12-31 23:59`, `23:59`."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import click

from cloudwright.errors import InvalidInput
from cloudwright.model.recurrence import later

_SPANS = re.compile(r"(?:\+ ?\d{1,6} ?[a-z]+ ?)+")
_FORMS = ("%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%H:%M")


class GivenTime(NamedTuple):
    """A time in ISO 8601: without an offset it is one of ``zone``."""

    text: str
    zone: str | None


def local_zone(environ: Mapping[str, str] = os.environ, localtime: Path = Path("/etc/localtime")) -> str:
    """Return the name of this machine's time zone, `UTC` if it has none that is known by a name."""
    named = environ.get("TZ", "").lstrip(":")
    if not named:
        named = str(localtime.resolve()).partition("zoneinfo/")[2]
    try:
        ZoneInfo(named)
    except (ValueError, OSError, KeyError):
        return "UTC"
    return named


def parse(text: str, zone: str | None, now: datetime) -> GivenTime:
    """Return a time of the zone, or of this machine's. Raises click.BadParameter."""
    zone = zone or local_zone()
    text = text.strip()
    if _SPANS.fullmatch(text):
        return GivenTime(_later(text, now).astimezone(UTC).isoformat(timespec="seconds"), zone)
    for form in _FORMS:
        try:
            time = datetime.strptime(text, form)
        except ValueError:
            continue
        if form == "%H:%M":
            today = now.astimezone(ZoneInfo(zone))
            time = time.replace(year=today.year, month=today.month, day=today.day)
        return GivenTime(time.isoformat(), zone)
    try:
        return GivenTime(datetime.fromisoformat(text).isoformat(), zone)
    except ValueError:
        raise click.BadParameter(
            f"`{text}` is not a time. Write `2030-12-31 23:59`, `23:59` (today), or `+2 weeks`, `+1day+10min`"
            " from now."
        ) from None


def to_moment(given: GivenTime) -> datetime:
    time = datetime.fromisoformat(given.text)
    return time if time.tzinfo is not None else time.replace(tzinfo=ZoneInfo(given.zone or "UTC"))


def _later(text: str, now: datetime) -> datetime:
    try:
        return later(text, now)
    except InvalidInput as error:
        raise click.BadParameter(str(error)) from error
