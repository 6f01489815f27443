"""Users, user groups, tenants, permissions and the audit log; most of it is for administrators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from cloudwright.client.records import Page, Slice
from cloudwright.client.resources.collection import WHOLE, Collection, as_text

if TYPE_CHECKING:
    from cloudwright.model.rest import AuditRecord, RolePermission, Tenant, User, UserGroup


class Users(Collection["User"]):
    path = "/users"

    def list(self, part: Slice = WHOLE, *, get_data: bool = False) -> Page[User]:
        """Return a page of users; with ``get_data``, their groups and tenants instead of numbers of them."""
        return self._list(part, _get_data=get_data)

    def create(self, username: str, password: str, role: str = "default") -> User:
        """Create a user. ``role`` is `default` or `sys_admin`. Raises BadRequest, Conflict."""
        body = {"username": username, "password": password, "role": role}
        return cast("User", self._transport.request("PUT", self.path, json=body))

    def details(self, username: str | None = None, *, get_data: bool = False) -> User:
        """Return a user, or the current one. Raises NotFound, Forbidden."""
        path = "/user" if username is None else self._one(username)
        return cast("User", self._transport.request("GET", path, params={"_get_data": as_text(get_data)}))

    def set_password(self, username: str, password: str) -> User:
        return self._change(self._one(username), {"password": password})

    def set_role(self, username: str, role: str) -> User:
        return self._change(self._one(username), {"role": role})

    def activate(self, username: str) -> User:
        return self._change(self._below("active", username), {"action": "activate"})

    def deactivate(self, username: str) -> User:
        """Keep a user out, with their tokens."""
        return self._change(self._below("active", username), {"action": "deactivate"})

    def unlock(self, username: str) -> User:
        """Let a user in whom wrong passwords have locked. Raises Conflict if that is not so."""
        return self._change(self._below("unlock", username), {})

    def delete(self, username: str) -> None:
        self._transport.request("DELETE", self._one(username))

    def _below(self, verb: str, username: str) -> str:
        return self._one(username).replace(self.path, f"{self.path}/{verb}", 1)

    def _change(self, path: str, body: dict[str, Any]) -> User:
        return cast("User", self._transport.request("POST", path, json=body))


class UserGroups(Collection["UserGroup"]):
    path = "/user-groups"

    def list(self, part: Slice = WHOLE, *, get_data: bool = False) -> Page[UserGroup]:
        return self._list(part, _get_data=get_data)

    def create(self, name: str, role: str = "default", *, ldap_dn: str | None = None) -> UserGroup:
        """Create a group, whose members have ``role`` in every tenant. Raises BadRequest, Conflict."""
        body = {"group_name": name, "role": role, "ldap_group_dn": ldap_dn}
        return cast("UserGroup", self._transport.request("POST", self.path, json=body))

    def details(self, name: str, *, get_data: bool = False) -> UserGroup:
        params = {"_get_data": as_text(get_data)}
        return cast("UserGroup", self._transport.request("GET", self._one(name), params=params))

    def set_role(self, name: str, role: str) -> UserGroup:
        return cast("UserGroup", self._transport.request("POST", self._one(name), json={"role": role}))

    def add_user(self, username: str, name: str) -> UserGroup:
        body = {"username": username, "group_name": name}
        return cast("UserGroup", self._transport.request("PUT", f"{self.path}/users", json=body))

    def remove_user(self, username: str, name: str) -> None:
        body = {"username": username, "group_name": name}
        self._transport.request("DELETE", f"{self.path}/users", json=body)

    def delete(self, name: str) -> None:
        self._transport.request("DELETE", self._one(name))


class Tenants(Collection["Tenant"]):
    """``role`` is `manager`, `user`, `operations` or `viewer`."""

    path = "/tenants"

    def list(self, part: Slice = WHOLE, *, get_data: bool = False) -> Page[Tenant]:
        """Return a page of the tenants that the user may use."""
        return self._list(part, _get_data=get_data)

    def create(self, name: str) -> Tenant:
        return cast("Tenant", self._transport.request("POST", self._one(name), json={}))

    def details(self, name: str, *, get_data: bool = False) -> Tenant:
        params = {"_get_data": as_text(get_data)}
        return cast("Tenant", self._transport.request("GET", self._one(name), params=params))

    def delete(self, name: str) -> None:
        """Raises IllegalAction if something is left in it."""
        self._transport.request("DELETE", self._one(name))

    def add_user(self, username: str, tenant: str, role: str) -> Tenant:
        return self._member("PUT", "users", {"username": username, "tenant_name": tenant, "role": role})

    def update_user(self, username: str, tenant: str, role: str) -> Tenant:
        return self._member("PATCH", "users", {"username": username, "tenant_name": tenant, "role": role})

    def remove_user(self, username: str, tenant: str) -> None:
        self._member("DELETE", "users", {"username": username, "tenant_name": tenant})

    def add_user_group(self, group: str, tenant: str, role: str) -> Tenant:
        body = {"group_name": group, "tenant_name": tenant, "role": role}
        return self._member("PUT", "user-groups", body)

    def update_user_group(self, group: str, tenant: str, role: str) -> Tenant:
        body = {"group_name": group, "tenant_name": tenant, "role": role}
        return self._member("PATCH", "user-groups", body)

    def remove_user_group(self, group: str, tenant: str) -> None:
        self._member("DELETE", "user-groups", {"group_name": group, "tenant_name": tenant})

    def _member(self, method: str, kind: str, body: dict[str, str]) -> Tenant:
        return cast("Tenant", self._transport.request(method, f"{self.path}/{kind}", json=body))


class Permissions(Collection["RolePermission"]):
    path = "/permissions"

    def list(self, role: str | None = None) -> list[RolePermission]:
        """Return the permissions of a role, or of all roles. Raises NotFound."""
        answer = self._transport.request("GET", self.path if role is None else self._one(role))
        return cast("list[RolePermission]", answer["items"])


class AuditLog(Collection["AuditRecord"]):
    path = "/audit"

    def list(
        self,
        part: Slice = WHOLE,
        *,
        creator_name: str | None = None,
        execution_id: str | None = None,
        since: str | None = None,
    ) -> Page[AuditRecord]:
        """Return a page of what users changed; ``since`` is a time."""
        params = {
            "size": part.size,
            "offset": part.offset,
            "order_by": part.sort,
            "desc": as_text(part.descending),
            "creator_name": creator_name,
            "execution_id": execution_id,
            "since": since,
        }
        given = {name: value for name, value in params.items() if value is not None}
        answer = self._transport.request("GET", self.path, params=given)
        total = int(answer["metadata"]["pagination"]["total"])
        return Page(cast("list[AuditRecord]", answer["items"]), total)

    def truncate(
        self, before: str, *, creator_name: str | None = None, execution_id: str | None = None
    ) -> int:
        """Delete what is older than a time, and return how much that was."""
        params = {"before": before, "creator_name": creator_name, "execution_id": execution_id}
        given = {name: value for name, value in params.items() if value is not None}
        return int(self._transport.request("DELETE", self.path, params=given)["deleted"])
