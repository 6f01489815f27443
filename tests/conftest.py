from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from postgres import PostgresServer


def pytest_configure() -> None:
    """Restore the handlers of signals: tests that run in the background may inherit ignored ones."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for signum in (signal.SIGQUIT, signal.SIGHUP):
        signal.signal(signum, signal.SIG_DFL)


# A busy machine is slow, and that says nothing about the code.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--database",
        choices=["both", "sqlite", "postgresql"],
        default="both",
        help="run only the tests that need PostgreSQL, or only the others",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    database = config.getoption("--database")
    if database == "both":
        return
    other = [item for item in items if _needs_postgresql(item) != (database == "postgresql")]
    items[:] = [item for item in items if item not in set(other)]
    config.hook.pytest_deselected(items=other)


def _needs_postgresql(item: pytest.Item) -> bool:
    assert isinstance(item, pytest.Function)
    parameters = item.callspec.params.values() if hasattr(item, "callspec") else ()
    return (
        "postgresql" in parameters
        or "postgres" in item.fixturenames
        or any(value is PostgresServer for value in vars(item.module).values())
    )


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One server for all tests of a run; each test takes databases of its own from it."""
    server = PostgresServer()
    yield server
    server.remove()
