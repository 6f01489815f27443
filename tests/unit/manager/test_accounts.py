from __future__ import annotations

import asyncio
import itertools
import json
import stat
import threading
from collections import Counter
from collections.abc import Coroutine, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
from argon2 import PasswordHasher
from sqlalchemy import Connection, text

from cloudwright.errors import Forbidden, InvalidInput, NotFound, TooManyRequests, Unauthorized
from cloudwright.manager.accounts import (
    ADMIN,
    CREDENTIALS,
    LOGIN_LOCK,
    MAX_FAILED_LOGINS,
    Accounts,
)
from cloudwright.manager.login_queue import MAX_WAITING_OF_ADDRESS
from cloudwright.manager.principals import ADMIN_ROLE, Principal
from cloudwright.storage import accounts as stored
from cloudwright.storage import memberships
from cloudwright.storage.paging import EVERYTHING
from cloudwright.storage.records import UserGroup
from cloudwright.storage.store import Store

NOON = datetime(2030, 6, 1, 12, tzinfo=UTC)
URL = "http://127.0.0.1:8100"
BOB = Principal("bob", "user")
THE_ADMIN = Principal(ADMIN, ADMIN_ROLE, tenant_roles={"default_tenant": frozenset({"manager"})})


class CountingHasher(PasswordHasher):
    """Quick, and tells how many verifications there were, and how many at once."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.verified: list[str] = []
        self.most = self._now = 0
        self._lock = threading.Lock()

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
            self.verified.append(str(hash))
        try:
            return super().verify(hash, password)
        finally:
            with self._lock:
                self._now -= 1


class World:
    def __init__(self, home: Path) -> None:
        self.home = home
        self.now = NOON
        self.hasher = CountingHasher()
        self.store = Store.open(f"sqlite:///{home / 'test.db'}")
        self.accounts = self.another()

    def another(self) -> Accounts:
        """As after a restart."""
        return Accounts(self.store, lambda: self.now, hasher=self.hasher)

    def credentials(self) -> dict[str, str]:
        found: dict[str, str] = json.loads((self.home / CREDENTIALS).read_text())
        return found

    async def begin(self) -> tuple[str, str]:
        await self.accounts.bootstrap(self.home, URL)
        told = self.credentials()
        return told["password"], told["token"]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.store.close()


def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(coroutine)


def test_the_first_start_makes_a_user_and_says_so_in_a_private_file(world: World) -> None:
    async def scene() -> None:
        password, token = await world.begin()
        admin = THE_ADMIN
        assert await world.accounts.authenticate_basic(ADMIN, password) == admin
        assert await world.accounts.authenticate_token(token) == admin

    run(scene())
    file = world.home / CREDENTIALS
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert set(world.credentials()) == {"url", "username", "password", "token", "tenant"}
    assert sorted(path.name for path in world.home.iterdir() if not path.name.startswith("test.db")) == [
        CREDENTIALS
    ]


def test_nothing_that_opens_a_door_is_in_the_database(world: World) -> None:
    password, token = run(world.begin())
    tables = world.store.read_sync(
        lambda conn: [conn.execute(text(f"select * from {name}")).all() for name in ("users", "tokens")]
    )
    secret = token.split("-", 2)[2]
    assert password not in str(tables)
    assert secret not in str(tables)
    assert "$argon2id$" in str(tables)


def test_a_later_start_changes_nothing_but_the_address(world: World) -> None:
    password, token = run(world.begin())
    written = (world.home / CREDENTIALS).stat()

    run(world.another().bootstrap(world.home, URL))
    assert (world.home / CREDENTIALS).stat().st_ino == written.st_ino

    run(world.another().bootstrap(world.home, "http://127.0.0.1:9999"))
    assert world.credentials() == {
        "url": "http://127.0.0.1:9999",
        "username": ADMIN,
        "password": password,
        "token": token,
        "tenant": "default_tenant",
    }
    assert stat.S_IMODE((world.home / CREDENTIALS).stat().st_mode) == 0o600


@pytest.mark.parametrize("damage", ["removed", "cut off", "no object"])
def test_a_lost_file_is_written_again_with_a_new_token(world: World, damage: str) -> None:
    password, token = run(world.begin())
    file = world.home / CREDENTIALS
    if damage == "removed":
        file.unlink()
    else:
        file.write_text("{" if damage == "cut off" else "[]")

    async def scene() -> None:
        again = world.another()
        await again.bootstrap(world.home, URL)
        told = world.credentials()
        assert told["password"] is None
        assert told["token"] != token
        for known in (token, told["token"]):
            assert (await again.authenticate_token(known)).username == ADMIN
        assert (await again.authenticate_basic(ADMIN, password)).username == ADMIN

    run(scene())


def test_a_first_start_that_was_cut_off_is_made_again(world: World) -> None:
    (world.home / CREDENTIALS).write_text('{"url": "x", "password": "nobody has it", "token": "cwt-1-2"}')

    async def scene() -> None:
        password, _ = await world.begin()
        assert (await world.accounts.authenticate_basic(ADMIN, password)).is_admin

    run(scene())


@pytest.mark.parametrize(
    ("username", "password"), [("admin", "wrong"), ("admin", ""), ("nobody", "x"), ("", "")]
)
def test_every_refusal_takes_one_verification(world: World, username: str, password: str) -> None:
    async def scene() -> None:
        right, _ = await world.begin()
        for _ in range(2):
            world.hasher.verified.clear()
            with pytest.raises(Unauthorized) as refused:
                await world.accounts.authenticate_basic(username, password)
            assert str(refused.value).startswith("The user name or the password is wrong, or")
            assert len(world.hasher.verified) == 1
        # Of equal cost: what a hash says before its salt is what its verification takes.
        await world.another().authenticate_basic(ADMIN, right)
        first, second = (entry.split("$")[:4] for entry in world.hasher.verified)
        assert first == second

    run(scene())


def test_a_verified_password_is_quick_until_it_is_changed(world: World) -> None:
    async def scene() -> None:
        password, _ = await world.begin()
        for _ in range(3):
            await world.accounts.authenticate_basic(ADMIN, password)
        assert len(world.hasher.verified) == 1

        new = world.hasher.hash("another")
        await world.store.write(stored.set_password, ADMIN, new)
        with pytest.raises(Unauthorized):
            await world.accounts.authenticate_basic(ADMIN, password)
        assert (await world.accounts.authenticate_basic(ADMIN, "another")).is_admin

    run(scene())


def test_what_is_remembered_is_bounded_and_is_no_password(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloudwright.manager.accounts._REMEMBERED_PASSWORDS", 2)

    async def scene() -> None:
        password, _ = await world.begin()
        for name in ("a", "b"):
            await world.store.write(stored.create_user, name, world.hasher.hash(name), "user", NOON)
        for name in ("a", "b", ADMIN, "a"):
            await world.accounts.authenticate_basic(name, password if name == ADMIN else name)
        assert len(world.hasher.verified) == 4
        assert len(world.accounts._verified) == 2
        assert password not in repr(vars(world.accounts))

    run(scene())


def test_an_inactive_user_is_nobody(world: World) -> None:
    async def scene() -> None:
        password, token = await world.begin()
        await world.accounts.authenticate_basic(ADMIN, password)
        await world.store.write(stored.set_active, ADMIN, False)
        with pytest.raises(Unauthorized, match="is wrong"):
            await world.accounts.authenticate_basic(ADMIN, password)
        with pytest.raises(Unauthorized):
            await world.accounts.authenticate_token(token)

    run(scene())


def test_guesses_in_parallel_are_verified_or_refused(world: World) -> None:
    async def scene() -> None:
        await world.begin()
        guesses = [world.accounts.authenticate_basic(ADMIN, str(number)) for number in range(40)]
        kinds = Counter(type(answer) for answer in await asyncio.gather(*guesses, return_exceptions=True))
        assert kinds.keys() <= {Unauthorized, TooManyRequests}
        assert kinds[Unauthorized] == len(world.hasher.verified) >= MAX_WAITING_OF_ADDRESS

    run(scene())


def test_the_loop_goes_on_while_a_password_is_verified(world: World) -> None:
    async def scene() -> None:
        password, _ = await world.begin()
        turns = itertools.count()
        entered, left = threading.Event(), threading.Event()

        def verify(*_: str | bytes) -> Literal[True]:
            entered.set()
            left.wait(10)
            return True

        world.hasher.verify = verify  # type: ignore[method-assign, assignment]
        verifying = asyncio.create_task(world.accounts.authenticate_basic(ADMIN, password))
        while not entered.is_set():
            await asyncio.sleep(0)
        for _ in range(100):
            await asyncio.sleep(0)
            next(turns)
        assert not verifying.done()
        left.set()
        await verifying
        assert next(turns) == 100

    run(scene())


@pytest.mark.parametrize(
    "broken", ["", "x", "cwt", "cwt-", "cwt--", "cwt-{id}", "cwt-{id}-", "cwt-{id}-{secret}x"]
)
def test_tokens_that_are_none(world: World, broken: str) -> None:
    async def scene() -> None:
        _, token = await world.begin()
        _, id, secret = token.split("-", 2)
        with pytest.raises(Unauthorized):
            await world.accounts.authenticate_token(broken.format(id=id, secret=secret))

    run(scene())


def test_a_token_lives_until_it_expires_or_is_deleted(world: World) -> None:
    async def scene() -> None:
        await world.begin()
        admin = THE_ADMIN
        row, value = await world.accounts.create_token(admin, "for a test", NOON + timedelta(hours=1))
        assert (await world.accounts.authenticate_token(value)) == admin
        world.now = NOON + timedelta(hours=1)
        with pytest.raises(Unauthorized, match="expired"):
            await world.accounts.authenticate_token(value)
        with pytest.raises(InvalidInput, match="in the past"):
            await world.accounts.create_token(admin, None, world.now)

        row, value = await world.accounts.create_token(admin, None, None)
        await world.accounts.delete_token(admin, row.id)
        with pytest.raises(Unauthorized, match="not known"):
            await world.accounts.authenticate_token(value)

    run(scene())


def test_the_last_use_of_a_token_is_kept_without_a_write_for_each(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    uses: list[str] = []
    use_token = stored.use_token

    def counted(conn: Connection, id: str, now: datetime) -> None:
        uses.append(id)
        use_token(conn, id, now)

    monkeypatch.setattr(stored, "use_token", counted)

    async def scene() -> None:
        _, token = await world.begin()
        id = token.split("-")[1]
        world.now = NOON + timedelta(minutes=5)
        for _ in range(10):
            await world.accounts.authenticate_token(token)
        # No request waits for the write; this one comes after it.
        await world.store.write(lambda conn: None)
        assert uses == [id]
        assert (await world.store.read(stored.get_token, id)).last_used == world.now

    run(scene())


def test_tokens_of_others_are_an_administrators_business(world: World) -> None:
    async def scene() -> None:
        await world.begin()
        await world.store.write(stored.create_user, "bob", world.hasher.hash("b"), "user", NOON)
        mine, _ = await world.accounts.create_token(BOB, None, None)
        admin = Principal(ADMIN, ADMIN_ROLE)
        everybodys, total = await world.accounts.tokens(admin, EVERYTHING)
        assert total == 2
        assert [row.id for row in (await world.accounts.tokens(BOB, EVERYTHING))[0]] == [mine.id]
        others = next(row.id for row in everybodys if row.username == ADMIN)
        for act in (world.accounts.token, world.accounts.delete_token):
            with pytest.raises(NotFound):
                await act(BOB, others)
        assert await world.accounts.token(admin, mine.id) == mine

    run(scene())


def test_only_tenants_that_exist(world: World) -> None:
    async def scene() -> None:
        await world.begin()
        for _ in range(2):
            await world.accounts.check_tenant(BOB, "default_tenant")
            with pytest.raises(Forbidden, match="`other`"):
                await world.accounts.check_tenant(BOB, "other")

    run(scene())


def test_failed_log_ins_lock_a_user_for_a_while_and_not_their_tokens(world: World) -> None:
    async def scene() -> None:
        password, token = await world.begin()
        await world.accounts.authenticate_basic(ADMIN, password)
        for _ in range(MAX_FAILED_LOGINS):
            with pytest.raises(Unauthorized):
                await world.accounts.authenticate_basic(ADMIN, "wrong")
        await world.store.write(lambda conn: None)  # what is noted is written before this
        assert world.accounts.is_locked(await world.accounts.user(ADMIN))
        with pytest.raises(Unauthorized, match="locked"):
            await world.accounts.authenticate_basic(ADMIN, password)
        assert (await world.accounts.authenticate_token(token)).is_admin

        world.now += timedelta(seconds=LOGIN_LOCK)
        assert (await world.accounts.authenticate_basic(ADMIN, password)).is_admin
        await world.store.write(lambda conn: None)
        user = await world.accounts.user(ADMIN)
        assert (user.failed_logins, user.first_login_at, user.last_login_at) == (0, NOON, world.now)

    run(scene())


def test_a_restore_is_noticed(world: World) -> None:
    async def scene() -> None:
        await world.begin()
        await world.accounts.check_tenant(THE_ADMIN, "default_tenant")
        await world.store.write(stored.create_tenant, "gone", NOON)
        await world.accounts.check_tenant(THE_ADMIN, "gone")
        # As a restore does, behind the manager's back.
        await world.store.write(stored.delete_tenant, "gone", NOON)
        known = world.accounts.changes
        world.accounts.reload()
        assert world.accounts.changes > known
        with pytest.raises(Forbidden, match="There is no tenant `gone`"):
            await world.accounts.check_tenant(THE_ADMIN, "gone")

    run(scene())


def test_failed_log_ins_of_nobody_are_not_stored(world: World) -> None:
    async def scene() -> None:
        await world.begin()
        commits = world.store.commits
        with pytest.raises(Unauthorized):
            await world.accounts.authenticate_basic("nobody", "wrong")
        await world.store.write(lambda conn: None)
        assert world.store.commits == commits + 1

    run(scene())


def test_roles_come_from_the_user_the_groups_and_the_tenant(world: World) -> None:
    async def scene() -> None:
        await world.begin()

        def arrange(conn: Connection) -> None:
            stored.create_user(conn, "ann", "x", "default", NOON)
            for tenant in ("red", "blue", "green"):
                stored.create_tenant(conn, tenant, NOON)
            memberships.create_group(conn, UserGroup("ops", "default", None, NOON))
            memberships.add_member(conn, "ann", "ops")
            memberships.add_group(conn, "ops", "red", "manager")
            memberships.add_group(conn, "ops", "blue", "viewer")
            memberships.add_user(conn, "ann", "red", "viewer")

        await world.store.write(arrange)
        ann = await world.accounts.principal("ann")
        assert ann.roles_in("red") == {"default", "viewer", "manager"}
        assert ann.roles_in("blue") == {"default", "viewer"}
        assert ann.roles_in("green") == {"default"}
        assert ann.administers == {"red"}
        assert not ann.is_admin
        await world.accounts.check_tenant(ann, "red")
        for unknown in ("green", "nothing"):
            with pytest.raises(Forbidden, match=f"There is no tenant `{unknown}` that ann may use"):
                await world.accounts.check_tenant(ann, unknown)

        await world.store.write(memberships.set_group_role, "ops", "sys_admin")
        ann = await world.accounts.principal("ann")
        assert ann.is_admin
        await world.accounts.check_tenant(ann, "green")
        await world.store.write(memberships.remove_member, "ann", "ops")
        assert (await world.accounts.principal("ann")).tenant_roles == {"red": {"viewer"}}
        await world.store.write(stored.set_active, "ann", False)
        for gone in ("ann", "nobody", None):
            with pytest.raises(Forbidden):
                await world.accounts.principal(gone)

    run(scene())


def test_who_was_let_in_may_not_be_any_more(world: World) -> None:
    async def scene() -> None:
        password, token = await world.begin()
        accounts = world.accounts
        by_token = await accounts.authenticate_token(token)
        by_password = await accounts.authenticate_basic(ADMIN, password)
        soon = world.now + timedelta(hours=1)
        _, value = await accounts.create_token(by_token, None, soon)
        for_an_hour = await accounts.authenticate_token(value)
        everybody = [by_token, by_password, for_an_hour]

        async def still() -> list[bool]:
            return [await accounts.is_still(who) for who in everybody]

        assert await still() == [True, True, True]
        world.now = soon
        assert await still() == [True, True, False]
        assert accounts.has_expired(for_an_hour)
        changes = accounts.changes
        assert by_token.token is not None
        await accounts.delete_token(by_password, by_token.token)
        assert await still() == [False, True, False]
        assert accounts.changes == changes + 1
        world.store.write_sync(stored.set_active, ADMIN, False)
        assert await still() == [False, False, False]

    run(scene())
