"""Times as people write them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click
import pytest

from cloudwright.cli.time_expressions import GivenTime, local_zone, parse, to_moment

NOW = datetime(2027, 1, 31, 23, 30, tzinfo=UTC)
ROME = "Europe/Rome"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2030-12-31 23:59", "2030-12-31T23:59:00"),
        # It is tomorrow in Rome already.
        ("02:30", "2027-02-01T02:30:00"),
        ("2030-12-31T23:59:00Z", "2030-12-31T23:59:00+00:00"),
        ("+10min", "2027-01-31T23:40:00+00:00"),
        ("+1day+10min", "2027-02-01T23:40:00+00:00"),
        ("+ 2 weeks +1 h", "2027-02-15T00:30:00+00:00"),
        # As Cloudify counts: as many days after the first of the next month.
        ("+1 month", "2027-03-03T23:30:00+00:00"),
        ("+12mo", "2028-01-31T23:30:00+00:00"),
        ("+1y", "2028-01-31T23:30:00+00:00"),
    ],
)
def test_times(text: str, expected: str) -> None:
    assert parse(text, ROME, NOW) == GivenTime(expected, ROME)


@pytest.mark.parametrize(
    "text", ["tomorrow", "+1 fortnight", "+1", "25:00", "2030-13-01 10:00", "", "+1d nonsense"]
)
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is not a time"):
        parse(text, ROME, NOW)


def test_a_moment_is_that_of_its_zone() -> None:
    assert to_moment(parse("2027-07-01 12:00", ROME, NOW)) == datetime(2027, 7, 1, 10, tzinfo=UTC)
    assert to_moment(parse("+1h", ROME, NOW)) == datetime(2027, 2, 1, 0, 30, tzinfo=UTC)


def test_the_zone_of_this_machine(tmp_path: Path) -> None:
    localtime = tmp_path / "localtime"
    localtime.symlink_to("/usr/share/zoneinfo/Europe/Rome")
    assert local_zone({}, localtime) == ROME
    assert local_zone({"TZ": ":America/New_York"}, localtime) == "America/New_York"
    assert local_zone({"TZ": "XYZ-3"}, localtime) == "UTC"
    assert local_zone({}, tmp_path / "none") == "UTC"
