"""Users of an API's tenants, and requests in their names."""

from __future__ import annotations

from typing import Any

import httpx
from served_api import BLUEPRINT, Api, archive

from cloudwright.api.middleware import PREFIX
from cloudwright.storage import accounts, memberships


class TenantUser:
    """A user with a role in one tenant, and a token."""

    def __init__(self, api: Api, name: str, tenant: str, role: str | None) -> None:
        self.name, self.tenant = name, tenant
        now = api.manager.clock()
        api.store.write_sync(accounts.create_user, name, "no hash", "default", now)
        if role is not None:
            api.store.write_sync(memberships.add_user, name, tenant, role)
        principal = api.do(api.manager.accounts.principal(name))
        _, token = api.do(api.manager.accounts.create_token(principal, None, None))
        self.headers = {"Authentication-Token": token, "Tenant": tenant}
        self._api = api

    def __call__(self, method: str, path: str, **request: Any) -> httpx.Response:
        headers = {**self.headers, **request.pop("headers", {})}
        return self._api.anonymous.request(method, PREFIX + path, headers=headers, **request)

    def status(self, path: str, **request: Any) -> int:
        return self("GET", path, **request).status_code

    def ids(self, path: str, key: str = "id", **params: Any) -> list[Any]:
        answer = self("GET", path, params=params)
        assert answer.status_code == 200, answer.text
        return [row[key] for row in answer.json()["items"]]

    def done(self, method: str, path: str, **request: Any) -> Any:
        answer = self(method, path, **request)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def upload(self, id: str, **params: Any) -> None:
        self.done("PUT", f"/blueprints/{id}", params=params, content=archive(BLUEPRINT))

    def deploy(self, id: str, blueprint_id: str, **more: Any) -> None:
        self.done("PUT", f"/deployments/{id}", json={"blueprint_id": blueprint_id, **more})

    def start(self, deployment_id: str) -> str:
        body = {"deployment_id": deployment_id, "workflow_id": "install"}
        return str(self.done("POST", "/executions", json=body)["id"])


def create_tenant(api: Api, name: str) -> None:
    api.store.write_sync(accounts.create_tenant, name, api.manager.clock())
