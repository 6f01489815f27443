"""Every route declares a permission, and a role without it is refused."""

from __future__ import annotations

import re

import pytest
from fastapi.routing import APIRoute
from served_api import Api

from cloudwright.api.app import create_app
from cloudwright.api.authorization import ROLES, Permission, authorize, permission_of
from cloudwright.api.middleware import PUBLIC
from cloudwright.errors import Forbidden
from cloudwright.manager.accounts import Principal
from cloudwright.storage import accounts


def routes(api: Api) -> list[APIRoute]:
    found = [route for route in create_app(api.manager).routes if isinstance(route, APIRoute)]  # type: ignore[arg-type]
    assert len(found) > 60
    return found


def test_no_route_is_without_a_permission(api: Api) -> None:
    undeclared = {route.path for route in routes(api) if permission_of(route.endpoint) is None}
    assert undeclared <= PUBLIC


def test_every_route_checks_its_permission(api: Api) -> None:
    """A user whose role is not known is refused everywhere, whatever the request says."""
    now = api.manager.clock()
    api.store.write_sync(accounts.create_user, "nobody", "x", "no_such_role", now)
    _, value = api.do(api.manager.accounts.create_token(Principal("nobody", "no_such_role"), None, None))
    for route in routes(api):
        if route.path in PUBLIC:
            continue
        path = re.sub(r"\{[^}]*\}", "x", route.path)
        for method in route.methods or ():
            answer = api.anonymous.request(
                method,
                path,
                headers={"Authentication-Token": value},
                params={"execution_id": "x"} if path.endswith(("/stream", "/tasks_graphs")) else {},
                json={
                    "deployment_id": "x",
                    "workflow_id": "x",
                    "action": "kill",
                    "blueprint_id": "x",
                    "labels": [],
                    "execution_id": "x",
                },
            )
            assert (answer.status_code, answer.json()["error_code"]) == (403, "forbidden_error"), (
                method,
                path,
            )


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        ("sys_admin", set(Permission)),
        ("user", {Permission.READ, Permission.CHANGE, Permission.RUN, Permission.OWN_ACCOUNT}),
        ("operator", {Permission.READ, Permission.RUN, Permission.OWN_ACCOUNT}),
        ("viewer", {Permission.READ, Permission.OWN_ACCOUNT}),
        ("other", set()),
    ],
)
def test_roles(role: str, allowed: set[Permission]) -> None:
    assert ROLES.get(role, frozenset()) == allowed
    for permission in Permission:
        if permission in allowed:
            authorize(Principal("u", role), permission, "t")
        else:
            with pytest.raises(Forbidden, match=permission):
                authorize(Principal("u", role), permission, "t")
