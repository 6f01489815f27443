"""Users, groups, tenants and the audit log, on both databases."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import Connection, update
from stored import NOW, TENANT, at, create, happened

from cloudwright.errors import Conflict, DependentExists, NotFound
from cloudwright.model.event import Event
from cloudwright.model.execution import ExecutionStatus
from cloudwright.storage import (
    accounts,
    audit,
    events,
    manager_queries,
    memberships,
    ownership,
    visibility,
)
from cloudwright.storage import blueprints as stored_blueprints
from cloudwright.storage.audit import AuditEntry
from cloudwright.storage.filters import BlueprintFilter
from cloudwright.storage.paging import EVERYTHING, Page
from cloudwright.storage.records import LDAP, Blueprint, UserGroup, UserRoles
from cloudwright.storage.schema import executions as execution_rows
from cloudwright.storage.store import Store
from cloudwright.storage.visibility import Scope


@pytest.fixture(autouse=True)
def some(store: Store) -> None:
    for tenant in (TENANT, "lab"):
        store.write_sync(accounts.create_tenant, tenant, NOW)
    for name in ("ann", "ben"):
        store.write_sync(accounts.create_user, name, "no hash", "default", NOW)


def group(store: Store, name: str, role: str = "default", dn: str | None = None) -> None:
    store.write_sync(memberships.create_group, UserGroup(name, role, dn, NOW))


def test_roles_by_the_user_and_by_groups(store: Store) -> None:
    group(store, "ops", "sys_admin")
    store.write_sync(memberships.add_member, "ann", "ops")
    store.write_sync(memberships.add_user, "ann", TENANT, "viewer")
    store.write_sync(memberships.add_group, "ops", "lab", "manager")
    found = store.read_sync(memberships.roles_of, "ann")
    assert found == UserRoles(
        direct={TENANT: "viewer"},
        groups={"ops": "sys_admin"},
        by_group={"lab": {"manager": ["ops"]}},
    )
    assert store.read_sync(memberships.roles_of, "ben") == UserRoles()
    members = store.read_sync(memberships.members_of, "lab")
    assert (members.users, members.groups) == ({}, {"ops": ("manager", ["ann"])})
    for verb, key in (
        (memberships.add_member, ("ann", "ops")),
        (memberships.add_user, ("ann", TENANT, "user")),
        (memberships.add_group, ("ops", "lab", "user")),
    ):
        with pytest.raises(Conflict):
            store.write_sync(verb, *key)
    store.write_sync(memberships.update_user, "ann", TENANT, "user")
    store.write_sync(memberships.update_group, "ops", "lab", "viewer")
    store.write_sync(memberships.delete_group, "ops")
    assert store.read_sync(memberships.roles_of, "ann") == UserRoles(direct={TENANT: "user"})
    store.write_sync(memberships.remove_user, "ann", TENANT)
    with pytest.raises(NotFound):
        store.write_sync(memberships.remove_user, "ann", TENANT)


def test_a_user_from_outside_is_in_the_groups_that_they_are_in_there(store: Store) -> None:
    group(store, "operators", dn="CN=Operators, DC=example,DC=com")
    group(store, "lookers", dn="cn=lookers,dc=example,dc=com")
    group(store, "ours")
    both = {"cn=operators,dc=example,dc=com", "cn=lookers,dc=example,dc=com", "cn=unknown"}

    def sign_in(*groups: str) -> bool:
        return store.write_sync(memberships.sign_in_outside, "eve", LDAP, groups, NOW)

    assert sign_in(*both)
    store.write_sync(memberships.add_member, "eve", "ours")
    assert not sign_in(*both)
    assert set(store.read_sync(memberships.roles_of, "eve").groups) == {"operators", "lookers", "ours"}
    assert sign_in("cn=lookers,dc=example,dc=com")
    assert set(store.read_sync(memberships.roles_of, "eve").groups) == {"lookers", "ours"}
    assert sign_in()
    assert set(store.read_sync(memberships.roles_of, "eve").groups) == {"ours"}
    user = store.read_sync(accounts.get_user, "eve")
    assert (user.source, user.role, user.active) == (LDAP, "default", True)
    with pytest.raises(Conflict, match="is one of `local`"):
        store.write_sync(memberships.sign_in_outside, "ann", LDAP, [], NOW)


def test_log_ins_are_counted(store: Store) -> None:
    for second in (1, 2):
        store.write_sync(accounts.note_failed_login, "ann", at(second))
    store.write_sync(accounts.note_failed_login, "nobody", at(3))
    failed = store.read_sync(accounts.get_user, "ann")
    assert (failed.failed_logins, failed.last_failed_login_at) == (2, at(2))
    for second in (4, 5):
        store.write_sync(accounts.note_login, "ann", at(second))
    user = store.read_sync(accounts.get_user, "ann")
    assert (user.failed_logins, user.first_login_at, user.last_login_at) == (0, at(4), at(5))
    rows, total = store.read_sync(accounts.list_users, Page(1), search="N")
    assert ([row.username for row in rows], total) == (["ann"], 2)


def test_what_is_private_keeps_its_owner_until_it_is_given_away(store: Store) -> None:
    private = Blueprint("b", TENANT, visibility="private", created_by="ann")
    store.write_sync(stored_blueprints.create, private, NOW)
    with pytest.raises(DependentExists, match="1 blueprints"):
        store.write_sync(accounts.delete_user, "ann")

    def seen(username: str) -> list[str]:
        scope = Scope(username, frozenset({TENANT}))
        rows, _ = store.read_sync(stored_blueprints.list_blueprints, BlueprintFilter(scope), EVERYTHING)
        return [row.id for row in rows]

    assert (seen("ann"), seen("ben")) == (["b"], [])
    store.write_sync(ownership.give, TENANT, "blueprints", "b", "ben")
    assert (seen("ann"), seen("ben")) == ([], ["b"])
    for key in (("lab", "blueprints", "b", "ben"), (TENANT, "blueprints", "b", "nobody")):
        with pytest.raises(NotFound):
            store.write_sync(ownership.give, *key)
    store.write_sync(accounts.delete_user, "ann")
    store.write_sync(visibility.widen, TENANT, "blueprints", "b", "global")
    elsewhere = Scope("x", frozenset({"lab"}))
    assert store.read_sync(visibility.locate, elsewhere, "lab", "blueprints", "b") == TENANT


def entry(request: str, by: str, second: float) -> AuditEntry:
    return AuditEntry(
        request, by, "site_create", "create", "sites", "s", {"id": "s"}, at(second), address="::1"
    )


def test_the_audit_log_has_one_record_of_a_request_that_stored_something(store: Store) -> None:
    async def request(audited: AuditEntry, *names: str) -> None:
        audit.open_entry(audited)
        for name in names:
            await store.write(memberships.create_group, UserGroup(name, "default", None, NOW))

    for number, by in enumerate(("ann", "ann", "ben")):
        asyncio.run(request(entry(f"r{number}", by, number), f"one-{number}", f"two-{number}"))
    with pytest.raises(Conflict):
        asyncio.run(request(entry("r9", "ann", 9), "one-1"))
    rows, total = store.read_sync(audit.list_records, EVERYTHING)
    assert ([row.creator_name for row in rows], total) == (["ann", "ann", "ben"], 3)
    assert (rows[0].ref_identifier, rows[0].address, rows[0].created_at) == ({"id": "s"}, "::1", at(0))
    assert store.read_sync(audit.list_records, EVERYTHING, creator_name="ben")[1] == 1
    assert store.read_sync(audit.list_records, EVERYTHING, since=at(1))[1] == 2
    assert store.write_sync(audit.truncate, NOW + timedelta(seconds=2), creator_name="ann") == 2
    assert store.read_sync(audit.list_records, EVERYTHING)[1] == 1


def test_the_history_of_a_deleted_tenant_goes_in_steps(store: Store) -> None:
    for number in range(3):
        create(store, f"e{number}", f"d{number}", tenant="lab")
        store.write_sync(_end, f"e{number}")
    create(store, "of-another")
    store.write_sync(events.add, [Event(f"e{number % 3}", NOW, "it") for number in range(7)])
    assert store.write_sync(accounts.delete_history, "lab", 100) == 0, "the tenant is there"
    store.write_sync(accounts.delete_tenant, "lab", NOW)
    assert store.read_sync(accounts.deleted_tenants) == ["lab"]
    with pytest.raises(Conflict, match="still being deleted"):
        store.write_sync(accounts.create_tenant, "lab", NOW)
    deleted = []
    while number := store.write_sync(accounts.delete_history, "lab", 5):
        deleted.append(number)
    assert deleted == [5, 2, 1, 1, 1]
    assert store.read_sync(accounts.deleted_tenants) == []
    assert happened(store, "e0") == []
    assert store.read_sync(manager_queries.get, "of-another").id == "of-another"
    store.write_sync(accounts.create_tenant, "lab", NOW)


def _end(conn: Connection, id: str) -> None:
    over = ExecutionStatus.TERMINATED
    conn.execute(update(execution_rows).where(execution_rows.c.id == id).values(status=over))
