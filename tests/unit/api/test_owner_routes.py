"""What somebody made is given to another user, by administrators."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from served_api import Api, served
from tenant_users import TenantUser

TENANT = "default_tenant"


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with served(tmp_path_factory.mktemp("api")) as api:
        yield api


@pytest.fixture(scope="module")
def ann(api: Api) -> TenantUser:
    return TenantUser(api, "ann", TENANT, "user")


@pytest.fixture(scope="module")
def ben(api: Api) -> TenantUser:
    return TenantUser(api, "ben", TENANT, "user")


@pytest.mark.parametrize("noun", ["blueprints", "deployments"])
def test_what_is_private_is_another_users_once_it_is_given(
    api: Api, ann: TenantUser, ben: TenantUser, noun: str
) -> None:
    blueprint, deployment = api.unique("b"), api.unique("d")
    ann.upload(blueprint, visibility="private" if noun == "blueprints" else "tenant")
    if noun == "deployments":
        ann.deploy(deployment, blueprint, visibility="private")
    path = f"/{noun}/{blueprint if noun == 'blueprints' else deployment}"
    assert (ann.status(path), ben.status(path)) == (200, 404)
    assert ann("PATCH", path, json={"creator": "ben"}).status_code == 403
    before = api.get(path)
    assert api.patch(path, {"creator": "ben"})["created_by"] == "ben"
    assert (ann.status(path), ben.status(path)) == (404, 200)
    assert api.get(path)["labels"] == before["labels"]
    [record] = [row for row in api.items("/audit") if row["action"] == "set_owner" and row["ref_id"] in path]
    assert record["ref_table"] == noun


def test_labels_and_owner_are_changed_at_once(api: Api, ann: TenantUser) -> None:
    id = api.blueprint()
    changed = api.patch(f"/blueprints/{id}", {"creator": "ann", "labels": [{"a": "b"}]})
    assert (changed["created_by"], [label["key"] for label in changed["labels"]]) == ("ann", ["a"])


@pytest.mark.parametrize(
    ("noun", "body", "status", "says"),
    [
        ("blueprints", {"creator": "nobody"}, 404, "no user `nobody`"),
        ("blueprints", {}, 400, "or its `creator`"),
        ("deployments", {}, 400, "or its `creator`"),
        ("deployments", {"creator": 5}, 400, "valid string"),
        ("plugins", {"creator": "ann"}, 404, "no plugin `x`"),
    ],
)
def test_what_cannot_be_given(
    api: Api, ann: TenantUser, noun: str, body: dict[str, Any], status: int, says: str
) -> None:
    made = "x"
    if noun != "plugins":
        made = api.blueprint() if noun == "blueprints" else api.deployment()
    answer = api.http.patch(f"/{noun}/{made}", json=body)
    assert (answer.status_code, says in answer.json()["message"]) == (status, True), answer.text
