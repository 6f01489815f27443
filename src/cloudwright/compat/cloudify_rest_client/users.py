"""``cloudify_rest_client.users``."""

from __future__ import annotations

from cloudwright.child.rest import Record
from cloudwright.compat.cloudify_rest_client._resource import Resource, request


class User(Record):
    @property
    def user_tenants(self):
        return (self.get("tenant_roles") or {}).get("direct")

    @property
    def group_tenants(self):
        return (self.get("tenant_roles") or {}).get("groups")


class UsersClient(Resource):
    @request("POST /users/active/{username}", User, fixed={"action": "activate"})
    def activate(self, username): ...

    @request("PUT /users", User)
    def create(
        self,
        username,
        password,
        role,
        is_prehashed=None,
        created_at=None,
        first_login_at=None,
        last_login_at=None,
    ): ...

    @request("POST /users/active/{username}", User, fixed={"action": "deactivate"})
    def deactivate(self, username): ...

    @request("DELETE /users/{username}")
    def delete(self, username): ...

    @request("GET /users/{username}", User)
    def get(self, username, **kwargs): ...

    @request("GET /user", User)
    def get_self(self, **kwargs): ...

    @request("GET /users", [User])
    def list(self, _include=None, sort=None, is_descending=False, **kwargs): ...

    @request("POST /users/{username}", User, names={"new_password": "password"})
    def set_password(self, username, new_password): ...

    @request("POST /users/{username}", User, names={"new_role": "role"})
    def set_role(self, username, new_role): ...

    @request("POST /users/{username}", User, names={"flag_value": "show_getting_started"})
    def set_show_getting_started(self, username, flag_value): ...

    @request("POST /users/unlock/{username}", User, rest="query")
    def unlock(self, username, **kwargs): ...
