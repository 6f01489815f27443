"""Open streams end at once when those who follow may not do so any more, though nothing happens in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from served_api import Api, served
from tenant_users import TenantUser

from cloudwright.api.middleware import PREFIX

TENANT = "default_tenant"


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with served(tmp_path_factory.mktemp("api")) as api:
        yield api


@pytest.fixture(scope="module")
def execution(api: Api) -> str:
    owner = TenantUser(api, "owner", TENANT, "user")
    owner.upload("b")
    owner.deploy("d", "b")
    return owner.start("d")


@contextmanager
def followed(api: Api, user: TenantUser, path: str) -> Iterator[Iterator[str]]:
    """The lines of a stream behind its beginning."""
    with api.anonymous.stream("GET", PREFIX + path, headers=user.headers) as response:
        assert response.status_code == 200
        lines = response.iter_lines()
        for line in lines:
            if line.startswith("data:"):
                break
        yield lines


def delete_token(api: Api, user: TenantUser) -> None:
    (token,) = user.done("GET", "/tokens")["items"]
    user.done("DELETE", f"/tokens/{token['id']}")


def deactivate(api: Api, user: TenantUser) -> None:
    api.http.post(f"/users/active/{user.name}", json={"action": "deactivate"}).raise_for_status()


def delete(api: Api, user: TenantUser) -> None:
    api.http.delete(f"/users/{user.name}").raise_for_status()


def demote(api: Api, user: TenantUser) -> None:
    change = {"username": user.name, "tenant_name": TENANT, "role": "viewer"}
    api.http.patch("/tenants/users", json=change).raise_for_status()


@pytest.mark.parametrize("what", [delete_token, deactivate, delete, demote])
def test_a_stream_of_events_ends(api: Api, execution: str, what: Callable[[Api, TenantUser], None]) -> None:
    user = TenantUser(api, api.unique("watcher"), TENANT, "operations")
    with followed(api, user, f"/events/stream?execution_id={execution}") as lines:
        what(api, user)
        assert not [line for line in lines if line.startswith("data:")]


@pytest.mark.parametrize("what", [delete_token, deactivate, delete, demote])
def test_a_stream_of_changes_ends(api: Api, what: Callable[[Api, TenantUser], None]) -> None:
    user = TenantUser(api, api.unique("watcher"), TENANT, "operations")
    with followed(api, user, "/changes/stream") as lines:
        what(api, user)
        assert [line for line in lines if line.startswith("event:")] == ["event: signed_out"]


def test_others_go_on_following(api: Api, execution: str) -> None:
    gone, stays = (TenantUser(api, api.unique("watcher"), TENANT, "viewer") for _ in range(2))
    with followed(api, stays, f"/events/stream?execution_id={execution}") as lines:
        delete_token(api, gone)
        deactivate(api, gone)
        api.happen(execution, "still told")
        assert next(line for line in lines if "still told" in line)
