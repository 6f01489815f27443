from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from served_api import Api

from cloudwright.api import dependencies
from cloudwright.api.loop_lag import LoopLag
from cloudwright.api.middleware import PREFIX
from cloudwright.api.timestamps import parse_expiration, parse_scheduled_time, parse_time
from cloudwright.errors import InvalidInput
from cloudwright.model.manager_identity import identity_proof
from cloudwright.storage import accounts, memberships, plugins
from cloudwright.storage.records import Plugin

NOON = datetime(2030, 6, 1, 12, tzinfo=UTC)


def test_status(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    status = api.get("/status")
    assert status["status"] == "OK"
    assert {service["status"] for service in status["services"].values()} == {"Active"}
    assert "Disk" not in status["services"]
    disk = api.get("/status", disk=True)["services"]["Disk"]["extra_info"]
    assert disk["free_bytes"] > 0
    assert disk["used_bytes"]["other"] > 0


def test_a_manager_proves_its_identity_without_credentials(api: Api) -> None:
    nonce = "0123456789abcdef" * 2
    response = api.anonymous.get(f"{PREFIX}/identity", params={"nonce": nonce})
    credentials = json.loads((api.manager.home / "credentials.json").read_text())
    assert response.json() == {"proof": identity_proof(api.token, credentials["url"], nonce)}
    for bad in ("", "x" * 32, nonce + "0"):
        assert api.anonymous.get(f"{PREFIX}/identity", params={"nonce": bad}).status_code == 400


def test_a_database_that_is_away_shows(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(api.store), "healthy", property(lambda _: False))
    monkeypatch.setattr(type(api.store), "trouble", property(lambda _: "connection refused"))
    status = api.get("/status")
    assert status["status"] == "Fail"
    assert status["services"]["Database"] == {
        "status": "Inactive",
        "is_remote": False,
        "extra_info": {"trouble": "connection refused"},
    }


def test_what_the_manager_is_made_of(api: Api) -> None:
    [manager] = api.items("/managers")
    [broker] = api.items("/brokers")
    [database] = api.items("/db-nodes")
    assert manager["version"] == "1.2.3"
    # So that the command line sees one machine, and no cluster.
    assert manager["private_ip"] == broker["host"] == database["host"] == "127.0.0.1"
    assert api.get("/provider/context")["context"] == {}
    assert api.get("/maintenance")["status"] == "deactivated"


def test_settings(api: Api) -> None:
    items = {item["name"]: item["value"] for item in api.items("/config", scope="workflow")}
    assert items == {
        "task_retries": 60,
        "task_retry_interval": 15.0,
        "task_retry_backoff": 1.0,
        "subgraph_retries": 0,
    }
    assert api.get("/config/task_retries") == api.get("/config/workflow.task_retries")
    assert len(api.items("/config")) > 3
    assert api.items("/config", scope="other") == []
    api.refused("GET", "/config/other", 404, "not_found_error")


def test_plugins(api: Api) -> None:
    assert api.items("/plugins") == []
    row = Plugin(id="p", package_name="lab", package_version="1.0", created_by="admin")
    api.store.write_sync(plugins.create, row, NOON)
    [found] = api.items("/plugins", package_name="lab", _sort="uploaded_at")
    assert (found["id"], found["package_version"]) == ("p", "1.0")
    assert found["uploaded_at"] == "2030-06-01T12:00:00.000Z"
    assert api.items("/plugins", package_name="other") == []
    for path in ("/plugins", "/plugins/p", "/plugins/p/archive", "/plugins/p/yaml"):
        assert api.anonymous.get(PREFIX + path).status_code == 401
    assert api.anonymous.post(f"{PREFIX}/plugins", content=b"x").status_code == 401
    assert api.anonymous.delete(f"{PREFIX}/plugins/p").status_code == 401
    api.refused("GET", "/plugins/p/yaml", 404, "not_found_error", params={"dsl_version": "1" * 300})
    api.refused("POST", "/plugins", 400, "bad_parameters_error", content=b"no archive")
    # What cannot be read says nothing, and so does not say `force`.
    assert api.http.request("DELETE", "/plugins/p", content=b"[" * 100_000).status_code == 204


def test_tokens(api: Api) -> None:
    made = api.post("/tokens", {"description": "for a test", "expiration_date": "+10h"})
    headers = {"Authentication-Token": made["value"]}
    assert api.anonymous.get(f"{PREFIX}/version", headers=headers).status_code == 200
    assert (made["username"], made["role"], made["description"]) == ("admin", "sys_admin", "for a test")
    until = datetime.fromisoformat(made["expiration_date"]) - datetime.now(UTC)
    assert timedelta(hours=9) < until < timedelta(hours=11)

    listed = api.items("/tokens")
    assert {token["value"] for token in listed} == {"********"}
    assert made["id"] in {token["id"] for token in listed}
    assert api.get(f"/tokens/{made['id']}")["value"] == "********"
    assert api.http.delete(f"/tokens/{made['id']}").status_code == 204
    assert api.anonymous.get(f"{PREFIX}/version", headers=headers).status_code == 401
    for method in ("GET", "DELETE"):
        api.refused(method, f"/tokens/{made['id']}", 404, "not_found_error")
    assert api.post("/tokens", {})["expiration_date"] is None
    for wrong in ("soon", "+10 parsecs", "2001-01-01 10:00", "+99999999999999y"):
        api.refused("POST", "/tokens", 400, "bad_parameters_error", json={"expiration_date": wrong})


def test_users_and_tenants(api: Api) -> None:
    me = api.get("/user")
    assert (me["username"], me["role"], me["active"]) == ("admin", "sys_admin", True)
    assert (me["tenants"], me["groups"], me["is_locked"]) == (1, 0, False)
    everything = api.get("/user", _get_data=True)
    assert everything["tenants"] == {"default_tenant": {"tenant-role": "manager", "roles": ["manager"]}}
    assert everything["tenant_roles"] == {"direct": {"default_tenant": "manager"}, "groups": {}}
    assert api.get("/users/admin") == me
    assert [tenant["name"] for tenant in api.items("/tenants")] == ["default_tenant"]
    assert api.get("/tenants/default_tenant")["name"] == "default_tenant"
    for path in ("/users/nobody", "/tenants/other"):
        api.refused("GET", path, 404, "not_found_error")


def test_who_is_no_administrator_sees_less(api: Api) -> None:
    hash = api.store.read_sync(accounts.get_user, "admin").password_hash
    api.store.write_sync(accounts.create_user, "bob", hash, "default", NOON)
    api.store.write_sync(memberships.add_user, "bob", "default_tenant", "user")
    auth = ("bob", api.password)

    def status(path: str) -> int:
        return api.anonymous.get(PREFIX + path, auth=auth).status_code

    assert [status(path) for path in ("/user", "/users/bob", "/blueprints", "/tokens")] == [200] * 4
    assert [status(path) for path in ("/users/admin", "/audit")] == [403] * 2
    assert api.anonymous.get(f"{PREFIX}/tokens", auth=auth).json()["items"] == []


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2030-06-01T12:00:00Z", NOON),
        ("2030-06-01T14:00:00.000+02:00", NOON),
        (" 2030-06-01 12:00 ", NOON),
        ("2030-06-01", datetime(2030, 6, 1, tzinfo=UTC)),
    ],
)
def test_times(text: str, time: datetime) -> None:
    assert parse_time(text) == time
    assert parse_scheduled_time(text) == time


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("+10h", NOON + timedelta(hours=10)),
        ("+30 minutes", NOON + timedelta(minutes=30)),
        ("+1 day", NOON + timedelta(days=1)),
        ("+1day+6h", NOON + timedelta(hours=30)),
        ("+2 weeks 1 s", NOON + timedelta(weeks=2, seconds=1)),
        ("2031-03-09 14:52", datetime(2031, 3, 9, 14, 52, tzinfo=UTC)),
    ],
)
def test_expirations(text: str, time: datetime) -> None:
    assert parse_expiration(text, NOON) == time


@pytest.mark.parametrize("text", ["", "+", "+h", "+1", "+1 moon", "tomorrow", "+9999999y", "2030-13-01"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_expiration(text, NOON)
    for wrong in ("203013012359+0000", "999912312359-2359", text):
        with pytest.raises(InvalidInput):
            parse_scheduled_time(wrong)


def test_the_compact_form() -> None:
    assert parse_scheduled_time("203006011400+0200") == NOON
    assert parse_scheduled_time("203006011200Z") == NOON


def test_the_lag_of_the_event_loop_is_shown(api: Api) -> None:
    lag = LoopLag()
    assert (lag.last, lag.largest) == (0.0, 0.0)
    for seconds in (0.25, -1.0, 0.125):
        lag.add(seconds)
    assert (lag.last, lag.largest) == (0.125, 0.25)
    shown = api.get("/status")["services"]["REST API"]["extra_info"]["event_loop_lag_ms"]
    assert set(shown) == {"last", "largest_of_last_minute"}


def test_one_response_has_a_largest_page(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "less than or equal to 10000" in api.refused(
        "GET", "/tenants?_size=10001", 400, "bad_parameters_error"
    )
    for _ in range(3):
        api.deployment()
    assert len(api.items("/deployments", _get_all_results=True)) >= 3
    monkeypatch.setattr(dependencies, "MAX_SIZE", 2)
    for path in ("/deployments", "/node-instances"):
        message = api.refused("GET", f"{path}?_get_all_results=true", 400, "bad_parameters_error")
        assert "a response has at most 2" in message
