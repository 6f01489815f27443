"""Who may do what: every route, with each of the six roles, in the own tenant and in a foreign one.

Each request is cheap: it names things that do not exist. All that matters is whether it is refused with 403.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from fastapi.routing import APIRoute
from served_api import Api
from tenant_users import TenantUser, create_tenant

from cloudwright.api.app import all_routes, create_app
from cloudwright.api.authorization import permission_of
from cloudwright.api.middleware import PREFIX, PUBLIC
from cloudwright.model.permissions import Permission, Role

#: Routes that look at more than the permission that they declare: what they need for `x`.
FURTHER = {
    "GET /users/{username}": Permission.USER_GET,
    "POST /users/{username}": Permission.USER_UPDATE,
    # The role in the tenant that it names decides, and nobody has one in `x`.
    "GET /tenants/{name}": Permission.TENANT_CREATE,
}
#: What looks for something, is about one's own account, or is refused anyway.
HARMLESS = re.compile(
    r"POST /searches/|\w+ /tokens|POST /console-links|POST /users/\{username\}$|\w+ /secrets-providers"
    r"|\w+ /(?:operations|tasks_graphs)/"
)
ADMINISTRATION = re.compile(
    r"(?:PUT|POST|PATCH|DELETE) /(?:users|user-groups|tenants|permissions|audit|config|maintenance|provider"
    r"|snapshots|log-bundles)\b"
)


@dataclass(frozen=True)
class Route:
    method: str
    path: str
    permission: Permission

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def needs(self) -> Permission:
        return FURTHER.get(self.name, self.permission)

    @property
    def body(self) -> dict[str, str] | None:
        return None if self.method == "GET" else {}

    @property
    def url(self) -> str:
        path = re.sub(r"\{[^}]*\}", "x", self.path.replace("{resource}", "deployments"))
        if path.endswith(("/events/stream", "/tasks_graphs")):
            path += "?execution_id=x"
        elif path.startswith("/execution-schedules/x"):
            path += "?deployment_id=x"
        return PREFIX + path


def routes() -> Iterator[Route]:
    for route in all_routes():
        if not isinstance(route, APIRoute) or route.path in PUBLIC or not route.path.startswith(PREFIX):
            continue
        permission = permission_of(route.endpoint)
        assert permission is not None, route.path
        for method in sorted(route.methods or ()):
            yield Route(method, route.path.removeprefix(PREFIX), permission)


@pytest.fixture(scope="module")
def users(api: Api) -> dict[Role, TenantUser]:
    """A user of the tenant red for each role; there is a tenant blue besides."""
    for tenant in ("red", "blue"):
        create_tenant(api, tenant)
    tenant_roles = (Role.VIEWER, Role.OPERATIONS, Role.USER, Role.MANAGER)
    found = {role: TenantUser(api, f"the-{role}", "red", role) for role in tenant_roles}
    found[Role.DEFAULT] = TenantUser(api, "the-default", "default_tenant", None)
    admin = TenantUser(api, "the-admin", "red", None)
    api.post("/users/the-admin", {"role": "sys_admin"})
    found[Role.SYS_ADMIN] = admin
    return found


def statuses(api: Api, requests: list[tuple[Route, dict[str, str]]]) -> list[int]:
    """Send the requests to the application itself, one after the other."""
    app = create_app(api.manager)  # type: ignore[arg-type]

    async def send() -> list[int]:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return [
                (await client.request(route.method, route.url, headers=headers, json=route.body)).status_code
                for route, headers in requests
            ]

    return asyncio.run_coroutine_threadsafe(send(), api.loop).result(110)


def test_roles_decide_in_the_own_tenant(api: Api, users: dict[Role, TenantUser]) -> None:
    order = list(Role)
    requests = [
        (route, role)
        for route in routes()
        for role in order
        # It never ends for those who may follow it.
        if route.path != "/changes/stream" or role == Role.DEFAULT
    ]
    assert len(requests) > 600
    found = statuses(api, [(route, users[role].headers) for route, role in requests])
    wrong = [
        f"{route.name} is {'refused to' if status == 403 else 'open to'} {role} ({status})"
        for (route, role), status in zip(requests, found, strict=True)
        if (status == 403) == (order.index(role) >= order.index(route.needs.lowest_role))
    ]
    assert wrong == []
    assert 401 not in found


def test_a_foreign_tenant_is_closed_to_all_but_administrators(
    api: Api, users: dict[Role, TenantUser]
) -> None:
    requests = [
        (route, {**users[role].headers, "Tenant": tenant})
        for route in routes()
        for role in (Role.DEFAULT, Role.VIEWER, Role.MANAGER)
        for tenant in ("blue", "nothing")
    ]
    found = statuses(api, requests)
    assert [route.name for (route, _), status in zip(requests, found, strict=True) if status != 403] == []


def test_whoever_only_looks_changes_nothing(api: Api) -> None:
    for route in routes():
        if route.method != "GET" and not HARMLESS.match(route.name):
            assert route.needs.lowest_role not in (Role.DEFAULT, Role.VIEWER), route.name


def test_accounts_and_the_manager_itself_are_for_administrators(api: Api) -> None:
    checked = 0
    for route in routes():
        if ADMINISTRATION.match(route.name):
            assert route.needs.lowest_role == Role.SYS_ADMIN, route.name
            checked += 1
    assert checked > 20
