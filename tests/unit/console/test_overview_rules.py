"""What the overview asks somebody to look at."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cloudwright.console.routes.overview import takes_long

NOW = datetime(2030, 1, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("asked_at", "long"),
    [(None, False), ("2030-01-01T11:59:45Z", False), ("2030-01-01T11:59:15Z", True)],
)
def test_a_cancellation_takes_long_after_half_a_minute(asked_at: str | None, long: bool) -> None:
    assert takes_long({"cancel_requested_at": asked_at}, NOW) is long
