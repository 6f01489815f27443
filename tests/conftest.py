from __future__ import annotations

from collections.abc import Iterator

import pytest

from postgres import PostgresServer


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One server for all tests of a run; each test takes databases of its own from it."""
    server = PostgresServer()
    yield server
    server.remove()
