"""``cloudify_rest_client.tenants``."""

from __future__ import annotations

from cloudwright.child.rest import Record
from cloudwright.compat.cloudify_rest_client._resource import Resource, request

DEFAULT_TENANT_ROLE = "user"


class Tenant(Record):
    @property
    def direct_users(self):
        return (self.get("user_roles") or {}).get("direct")

    @property
    def group_users(self):
        return (self.get("user_roles") or {}).get("groups")


class TenantsClient(Resource):
    @request("PUT /tenants/users", Tenant)
    def add_user(self, username, tenant_name, role): ...

    @request("PUT /tenants/user-groups", Tenant)
    def add_user_group(self, group_name, tenant_name, role): ...

    @request("POST /tenants/{tenant_name}", Tenant)
    def create(self, tenant_name, rabbitmq_password=""): ...

    @request("DELETE /tenants/{tenant_name}")
    def delete(self, tenant_name): ...

    @request("GET /tenants/{tenant_name}", Tenant)
    def get(self, tenant_name, **kwargs): ...

    @request("GET /tenants", [Tenant])
    def list(self, _include=None, sort=None, is_descending=False, **kwargs): ...

    @request("DELETE /tenants/users", body=("username", "tenant_name"))
    def remove_user(self, username, tenant_name): ...

    @request("DELETE /tenants/user-groups", body=("group_name", "tenant_name"))
    def remove_user_group(self, group_name, tenant_name): ...

    @request("PATCH /tenants/users", Tenant)
    def update_user(self, username, tenant_name, role): ...

    @request("PATCH /tenants/user-groups", Tenant)
    def update_user_group(self, group_name, tenant_name, role): ...
