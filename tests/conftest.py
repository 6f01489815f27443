from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from postgres import PostgresServer


def pytest_configure() -> None:
    """Whoever runs the tests in the background may ignore a terminal's signals, and children inherit that."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for signum in (signal.SIGQUIT, signal.SIGHUP):
        signal.signal(signum, signal.SIG_DFL)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One server for all tests of a run; each test takes databases of its own from it."""
    server = PostgresServer()
    yield server
    server.remove()
