"""Secrets over REST: what is stored, who sees it, what is refused, and what functions make of them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from served_api import Api, archive

from cloudwright.api.middleware import PREFIX
from cloudwright.manager.principals import Principal
from cloudwright.manager.secret_keys import KEY_FILE
from cloudwright.storage import accounts

HEAD = "tosca_definitions_version: cloudify_dsl_1_4\nimports: [cloudify/types/types.yaml]\n"
SENTINEL = "sentinel-Zw3rg&Nase"


def store(api: Api, value: Any = SENTINEL, **more: Any) -> str:
    key = api.unique("key")
    api.put(f"/secrets/{key}", {"value": value, **more})
    return key


def other_user(api: Api, role: str = "user", name: str | None = None) -> httpx.Client:
    name = name or api.unique("user")
    api.store.write_sync(accounts.create_user, name, "x", role, api.manager.clock())
    _, token = api.do(api.manager.accounts.create_token(Principal(name, role), None, None))
    return httpx.Client(base_url=api.url + PREFIX, headers={"Authentication-Token": token})


def database(api: Api) -> bytes:
    return b"".join(file.read_bytes() for file in api.manager.home.glob("test.db*"))


def test_a_secret_is_created_read_changed_and_deleted(api: Api) -> None:
    key = store(api)
    found = api.get(f"/secrets/{key}")
    assert (found["value"], found["visibility"], found["created_by"]) == (SENTINEL, "tenant", "admin")
    assert (found["private_resource"], found["is_hidden_value"], found["schema"]) == (False, False, None)
    assert "value" not in api.put(f"/secrets/{key}", {"value": "two", "update_if_exists": True})
    assert "already" in api.refused("PUT", f"/secrets/{key}", 409, "conflict_error", json={"value": "x"})
    changed = api.http.patch(f"/secrets/{key}", json={"value": "three", "is_hidden_value": True})
    assert (changed.status_code, changed.json()["is_hidden_value"]) == (200, True)
    assert api.get(f"/secrets/{key}")["value"] == "three"
    assert api.http.delete(f"/secrets/{key}").status_code == 204
    for method in ("GET", "DELETE"):
        api.refused(method, f"/secrets/{key}", 404, "not_found_error")
    api.refused("PATCH", f"/secrets/{key}", 404, "not_found_error", json={"value": "x"})


@pytest.mark.parametrize(
    "body",
    [
        {"value": ""},
        {},
        {"value": {"a": 1}},
        {"value": 5},
        {"value": "x", "visibility": "world"},
        {"value": "x" * (1 << 20) + "x"},
        {"value": [1], "schema": {"type": "object"}},
        {"value": {"a": SENTINEL}, "schema": {"properties": {"a": {"type": "integer"}}}},
        {"value": [1], "schema": {"type": "nope"}},
        {"value": [1], "schema": {"$ref": "http://127.0.0.1:1/schema"}},
    ],
)
def test_what_cannot_be_a_value_is_refused_and_not_quoted(api: Api, body: dict[str, Any]) -> None:
    key = api.unique("key")
    said = api.refused("PUT", f"/secrets/{key}", 400, "bad_parameters_error", json=body)
    assert SENTINEL not in said
    api.refused("GET", f"/secrets/{key}", 404, "not_found_error")


@pytest.mark.parametrize("key", ["%C3%A4", "a%20b", "-a", "x" * 10_000, "a:b"])
def test_a_key_is_a_plain_name(api: Api, key: str) -> None:
    api.refused("PUT", f"/secrets/{key}", 400, "bad_parameters_error", json={"value": "x"})


def test_a_value_with_a_schema_is_json(api: Api) -> None:
    schema = {"type": "object", "properties": {"port": {"type": "integer"}}}
    key = store(api, {"port": 1}, schema=schema)
    assert api.get(f"/secrets/{key}")["value"] == {"port": 1}
    wrong = {"value": {"port": "eighty"}}
    assert ".port" in api.refused("PATCH", f"/secrets/{key}", 400, "bad_parameters_error", json=wrong)
    assert api.http.patch(f"/secrets/{key}", json={"value": {"port": 2}}).status_code == 200
    assert api.get(f"/secrets/{key}") | {"value": 0} == api.get(f"/secrets/{key}") | {"value": 0}
    assert api.get(f"/secrets/{key}")["value"] == {"port": 2}


def test_values_are_in_no_list_and_not_in_the_database(api: Api) -> None:
    key = store(api)
    response = api.http.get("/secrets", params={"_search": key})
    assert [item["key"] for item in response.json()["items"]] == [key]
    assert SENTINEL not in response.text
    assert SENTINEL not in api.http.post("/searches/secrets", json={}).text
    assert SENTINEL.encode() not in database(api)
    key_file = api.manager.home / KEY_FILE
    assert key_file.stat().st_mode & 0o777 == 0o600


def test_lists_are_paged_sorted_filtered_and_searched(api: Api) -> None:
    keys = [store(api, visibility=visibility) for visibility in ("private", "tenant", "tenant")]
    assert [item["key"] for item in api.items("/secrets", key=",".join(keys), _sort="-key")] == keys[::-1]
    page = api.get("/secrets", key=keys, _size=1, _offset=1, _include="key")
    assert (page["items"], page["metadata"]["pagination"]["total"]) == ([{"key": keys[1]}], 3)
    assert [item["key"] for item in api.items("/secrets", key=keys, visibility="private")] == keys[:1]
    api.refused("GET", "/secrets?_sort=value_encrypted", 400, "bad_parameters_error")
    api.refused("GET", "/secrets?_include=colour", 400, "no_such_include_field_error")
    rule = {"key": "key", "operator": "any_of", "values": keys[:2], "type": "attribute"}
    found = api.post("/searches/secrets", {"filter_rules": [rule]})
    assert [item["key"] for item in found["items"]] == keys[:2]
    found = api.post("/searches/secrets", {"constraints": {"name_pattern": {"contains": keys[2]}}})
    assert [item["key"] for item in found["items"]] == keys[2:]
    wrong = {"filter_rules": [rule | {"key": "value"}]}
    api.refused("POST", "/searches/secrets", 400, "invalid_filter_rule", json=wrong)


def test_private_and_hidden_secrets_are_their_creators(api: Api) -> None:
    private, hidden = store(api, visibility="private"), store(api, is_hidden_value=True)
    with other_user(api) as other:
        assert other.get(f"/secrets/{private}").status_code == 404
        assert other.delete(f"/secrets/{private}").status_code == 404
        listed = {item["key"] for item in other.get("/secrets").json()["items"]}
        assert hidden in listed
        assert private not in listed
        assert other.get(f"/secrets/{hidden}").json()["value"] == ""
        for method in ("PATCH", "DELETE"):
            assert other.request(method, f"/secrets/{hidden}", json={"value": "x"}).status_code == 403
        visible = store(api)
        assert other.patch(f"/secrets/{visible}", json={"is_hidden_value": True}).status_code == 403
        assert other.patch(f"/secrets/{visible}", json={"creator": "admin"}).status_code == 403
        assert other.patch(f"/secrets/{visible}", json={"value": "y"}).status_code == 200
        own = {"value": SENTINEL, "visibility": "private", "is_hidden_value": True}
        assert other.put("/secrets/its-own", json=own).status_code == 200
        assert other.get("/secrets/its-own").json()["value"] == SENTINEL
        exported = other.post("/secrets/share/export", json={}).json()
        assert "its-own" in {item["key"] for item in exported}
        assert not {private, hidden} & {item["key"] for item in exported}
    assert api.get("/secrets/its-own")["value"] == SENTINEL, "an administrator sees everything"


def test_a_viewer_reads_and_changes_nothing(api: Api) -> None:
    key = store(api)
    with other_user(api, "viewer") as viewer:
        assert viewer.get(f"/secrets/{key}").json()["value"] == SENTINEL
        assert viewer.put(f"/secrets/{key}", json={"value": "x"}).status_code == 403
        assert viewer.post("/secrets/share/export", json={}).status_code == 403


def test_only_administrators_make_secrets_global(api: Api) -> None:
    key = store(api)
    with other_user(api) as other:
        assert other.patch(f"/secrets/{key}/set-visibility", json={"visibility": "global"}).status_code == 403
    changed = api.http.patch(f"/secrets/{key}/set-visibility", json={"visibility": "global"})
    assert changed.json()["visibility"] == "global"


def test_a_secret_gets_another_owner(api: Api) -> None:
    key = store(api)
    api.refused("PATCH", f"/secrets/{key}", 404, "not_found_error", json={"creator": "nobody-here"})
    other_user(api, name="heir").close()
    assert api.http.patch(f"/secrets/{key}", json={"creator": "heir"}).json()["created_by"] == "heir"


def test_providers_are_refused(api: Api) -> None:
    code = "unsupported_secrets_provider_error"
    body = {"value": "x", "provider_name": "vault"}
    assert "vault" in api.refused("PUT", "/secrets/provided", 400, code, json=body)
    for method, path in [
        ("GET", "/secrets-providers"),
        ("PUT", "/secrets-providers"),
        ("GET", "/secrets-providers/vault"),
        ("PATCH", "/secrets-providers/vault"),
        ("DELETE", "/secrets-providers/vault"),
    ]:
        assert "no providers" in api.refused(method, path, 400, code)


def test_secrets_are_exported_with_a_passphrase_and_imported(api: Api) -> None:
    key, document = store(api), store(api, ["a"], schema={"type": "array"}, is_hidden_value=True)
    wanted = {"passphrase": "open sesame", "search": key.partition("-")[0], "include_metadata": True}
    exported = [item for item in api.post("/secrets/share/export", wanted) if item["key"] in (key, document)]
    assert [item["encrypted"] for item in exported] == [True, True]
    assert SENTINEL not in json.dumps(exported)
    api.http.delete(f"/secrets/{key}")

    def imported(**more: Any) -> dict[str, Any]:
        body = {"secrets_list": exported, "passphrase": "open sesame", "override_collisions": False, **more}
        done: dict[str, Any] = api.post("/secrets/share/import", body)
        return done

    wrong = imported(passphrase="close sesame")
    assert set(wrong["secrets_errors"]) == {"0", "1"}
    assert "does not fit" in wrong["secrets_errors"]["0"]["value"]
    assert "No passphrase" in imported(passphrase=None)["secrets_errors"]["0"]
    api.refused("GET", f"/secrets/{key}", 404, "not_found_error")
    assert imported() == {"colliding_secrets": {"default_tenant": [document]}, "secrets_errors": {}}
    assert api.get(f"/secrets/{key}")["value"] == SENTINEL
    api.http.patch(f"/secrets/{document}", json={"value": ["b"]})
    both = sorted([key, document])
    assert sorted(imported(override_collisions=True)["colliding_secrets"]["default_tenant"]) == both
    assert api.get(f"/secrets/{document}")["value"] == ["a"]


def test_what_is_wrong_in_an_import_is_said_of_each(api: Api) -> None:
    good = {
        "key": api.unique("good"),
        "value": "x",
        "visibility": "tenant",
        "tenant_name": "elsewhere",
        "is_hidden_value": False,
        "encrypted": False,
    }
    listed = [
        good,
        good | {"tenant_name": "unknown"},
        good | {"key": "a b"},
        good | {"visibility": "world", "encrypted": "no"},
        {"key": "lonely"},
    ]
    body = {"secrets_list": listed, "tenant_map": {"elsewhere": "default_tenant"}}
    errors = api.post("/secrets/share/import", body)["secrets_errors"]
    assert set(errors) == {"1", "2", "3", "4"}
    assert set(errors["3"]) == {"visibility", "encrypted"}
    assert errors["4"]["missing secret fields"][0] == "value"
    assert api.get(f"/secrets/{good['key']}")["value"] == "x"
    wrong = {"secrets_list": [], "tenant_map": {"elsewhere": "nowhere"}}
    said = api.refused("POST", "/secrets/share/import", 400, "bad_parameters_error", json=wrong)
    assert "destination tenants: nowhere" in said


def test_an_export_of_cloudify_is_read(api: Api) -> None:
    derived = hashlib.pbkdf2_hmac("sha256", b"phrase", b"salt_", 100_000, 64)
    encryptor = Cipher(AES(derived[32:]), CBC(bytes(16))).encryptor()
    padding = 16 - len(SENTINEL) % 16
    data = encryptor.update(SENTINEL.encode() + bytes([padding]) * padding) + encryptor.finalize()
    said = b"\x80" + bytes(8) + bytes(16) + data
    token = base64.urlsafe_b64encode(said + hmac.digest(derived[:32], said, "sha256")).decode()
    key = api.unique("foreign")
    secret = {
        "key": key,
        "value": token,
        "visibility": "tenant",
        "tenant_name": "default_tenant",
        "is_hidden_value": False,
        "encrypted": True,
    }
    body = {"secrets_list": [secret], "passphrase": "phrase"}
    assert api.post("/secrets/share/import", body)["secrets_errors"] == {}
    assert api.get(f"/secrets/{key}")["value"] == SENTINEL


# What functions make of them.


def test_a_deployment_whose_secrets_are_missing_is_refused(api: Api) -> None:
    key = store(api)
    text = HEAD + (
        "inputs: { which: { default: lost } }\n"
        f"outputs: {{ a: {{ value: {{ get_secret: {key} }} }},\n"
        "  b: { value: { get_secret: [absent, x] } },\n"
        "  c: { value: { get_secret: { concat: [is-, { get_input: which }] } } } }\n"
    )
    response = api.http.put(f"/blueprints/{api.unique('b')}", content=archive(text))
    blueprint = response.json()["id"]
    assert response.json()["warnings"] == []
    body: dict[str, Any] = {"blueprint_id": blueprint}
    code = "unknown_deployment_secret_error"
    deployment = api.unique("deployment")
    said = api.refused("PUT", f"/deployments/{deployment}", 400, code, json=body)
    assert "Required secrets: [absent, is-lost] don't exist in this tenant" in said
    api.refused("GET", f"/deployments/{deployment}", 404, "not_found_error")
    api.put("/secrets/absent", {"value": '{"x": 1}'})
    api.put("/secrets/is-found", {"value": "yes"})
    api.put(f"/deployments/{deployment}", body | {"inputs": {"which": "found"}})
    outputs = api.get(f"/deployments/{deployment}/outputs")["outputs"]
    assert outputs == {"a": SENTINEL, "b": 1, "c": "yes"}
    api.http.delete("/secrets/absent")
    outputs = api.get(f"/deployments/{deployment}/outputs")["outputs"]
    assert "There is no secret `absent`" in outputs["b"]
    assert outputs["a"] == SENTINEL


def test_an_input_may_be_a_secret(api: Api) -> None:
    text = HEAD + "inputs: { word: {} }\noutputs: { word: { value: { get_input: word } } }\n"
    blueprint, deployment = api.blueprint(text), api.unique("deployment")
    body = {"blueprint_id": blueprint, "inputs": {"word": {"get_secret": "not-there"}}}
    code = "unknown_deployment_secret_error"
    api.refused("PUT", f"/deployments/{deployment}", 400, code, json=body)
    body["inputs"] = {"word": {"get_secret": store(api)}}
    api.put(f"/deployments/{deployment}", body)
    assert api.get(f"/deployments/{deployment}/outputs")["outputs"] == {"word": SENTINEL}
    assert SENTINEL.encode() not in database(api)


def test_functions_show_a_secret_to_those_who_may_see_it(api: Api) -> None:
    hidden, private = store(api, is_hidden_value=True), store(api, visibility="private")
    text = HEAD + (
        f"capabilities: {{ hidden: {{ value: {{ get_secret: {hidden} }} }},\n"
        f"  private: {{ value: {{ get_secret: {private} }} }} }}\n"
    )
    deployment = api.deployment(api.blueprint(text))
    path = f"/deployments/{deployment}/capabilities"
    assert api.get(path)["capabilities"] == {"hidden": SENTINEL, "private": SENTINEL}
    with other_user(api) as other:
        response = other.get(path)
        shown = response.json()["capabilities"]
        assert SENTINEL not in response.text
        assert "is hidden from user" in shown["hidden"]
        assert "There is no secret" in shown["private"]


def test_an_error_does_not_quote_a_secret(api: Api) -> None:
    key = store(api)
    text = HEAD + (
        "node_templates: { n: { type: cloudify.nodes.Root, properties: {} } }\n"
        f"outputs: {{ a: {{ value: {{ get_attribute: [n, {{ get_secret: {key} }}] }} }},\n"
        f"  b: {{ value: {{ string_split: [{{ get_secret: {key} }}, '-', 9] }} }},\n"
        f"  c: {{ value: {{ get_input: [word, {key}] }} }} }}\n"
        f"inputs: {{ word: {{ default: {{ get_secret: {key} }} }} }}\n"
    )
    deployment = api.deployment(api.blueprint(text))
    response = api.http.get(f"/deployments/{deployment}/outputs")
    assert SENTINEL not in response.text
    assert response.text.count("<ERROR") >= 2


def test_a_rotated_key_opens_everything_and_a_lost_one_is_named(tmp_path: Path) -> None:
    from served_api import served

    with served(tmp_path) as api:
        store(api)
        key = store(api)
        file = tmp_path / KEY_FILE
        old = file.read_text()
        new = base64.b64encode(b"k" * 32).decode()
        file.write_text(f"{new}  # today's\n{old}")
    with served(tmp_path) as api:
        assert api.get(f"/secrets/{key}")["value"] == SENTINEL
        api.do(api.manager.secrets.recover())
        file.write_text(new)
    with served(tmp_path) as api:
        assert api.get(f"/secrets/{key}")["value"] == SENTINEL
        file.write_text(base64.b64encode(b"l" * 32).decode())
    with served(tmp_path) as api:
        said = api.refused("GET", f"/secrets/{key}", 400, "unreadable_secret_error")
        assert str(file) in said
        assert api.items("/secrets", key=key), "it is listed all the same"
        assert api.http.patch(f"/secrets/{key}", json={"value": "again"}).status_code == 200
        assert api.get(f"/secrets/{key}")["value"] == "again"
