"""Sessions of the console and the links that open them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cloudwright.errors import Unauthorized
from cloudwright.manager.accounts import Accounts
from cloudwright.manager.principals import Principal
from cloudwright.manager.sessions import LINK_LIFETIME, SESSION_LIFETIME, Sessions
from cloudwright.storage import accounts
from cloudwright.storage.paging import EVERYTHING
from cloudwright.storage.store import Store

ANN = Principal("ann", "default")


class _Clock:
    now = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(f"sqlite:///{tmp_path / 'db'}")
    opened.write_sync(accounts.create_user, "ann", "no hash", "default", _Clock.now)
    yield opened
    opened.close()


def test_a_session_lives_until_it_is_closed_or_over(store: Store) -> None:
    async def run() -> None:
        clock = _Clock()
        sessions = Sessions(store, Accounts(store, clock), clock)
        value = await sessions.open(ANN)
        assert await sessions.authenticate(value) == ANN
        with pytest.raises(Unauthorized):
            await sessions.authenticate(value[:-1] + ("0" if value[-1] != "0" else "1"))
        other = await sessions.open(ANN)
        await sessions.close(value)
        with pytest.raises(Unauthorized):
            await sessions.authenticate(value)
        clock.now += SESSION_LIFETIME
        with pytest.raises(Unauthorized, match="expired"):
            await sessions.authenticate(other)
        # What is over is removed by the next one.
        await sessions.open(ANN)
        _, total = await store.read(accounts.list_tokens, "ann", EVERYTHING)
        assert total == 1

    asyncio.run(run())


def test_of_those_that_open_a_link_one_gets_a_session(store: Store) -> None:
    async def run() -> None:
        sessions = Sessions(store, Accounts(store, _Clock()), _Clock())
        code, _ = await sessions.create_link(ANN)
        opened = await asyncio.gather(*(sessions.redeem(code) for _ in range(5)), return_exceptions=True)
        values = [value for value in opened if isinstance(value, str)]
        assert len(values) == 1
        assert await sessions.authenticate(values[0]) == ANN

    asyncio.run(run())


def test_a_link_is_soon_too_old_and_its_user_may_be_gone(store: Store) -> None:
    async def run() -> None:
        clock = _Clock()
        sessions = Sessions(store, Accounts(store, clock), clock)
        code, until = await sessions.create_link(ANN)
        assert until == clock.now + LINK_LIFETIME
        value = await sessions.open(ANN)
        await store.write(accounts.set_active, "ann", False)
        for refused in (sessions.redeem(code), sessions.authenticate(value)):
            with pytest.raises(Unauthorized):
                await refused
        await store.write(accounts.set_active, "ann", True)
        clock.now += LINK_LIFETIME + timedelta(seconds=1)
        with pytest.raises(Unauthorized, match="expired"):
            await sessions.redeem(code)

    asyncio.run(run())


def test_a_session_a_link_and_a_token_do_not_stand_for_each_other(store: Store) -> None:
    async def run() -> None:
        tokens = Accounts(store, _Clock())
        sessions = Sessions(store, tokens, _Clock())
        value = await sessions.open(ANN)
        code, _ = await sessions.create_link(ANN)
        _, token = await tokens.create_token(ANN, None, _Clock.now + timedelta(hours=1))
        for refused in (
            sessions.redeem(value),
            sessions.authenticate(code),
            sessions.authenticate(token.removeprefix("cwt-")),
            sessions.redeem(token.removeprefix("cwt-")),
            tokens.authenticate_token(f"cwt-{value}"),
            tokens.authenticate_token(f"cwt-{code}"),
        ):
            with pytest.raises(Unauthorized):
                await refused
        listed, _ = await store.read(accounts.list_tokens, "ann", EVERYTHING)
        assert sorted(str(row.description) for row in listed)[1:] == [
            "link to the console, not opened yet",
            "session of the console",
        ]
        assert all(value.partition("-")[2] not in row.secret_hash for row in listed)

    asyncio.run(run())
