"""``cloudify_rest_client.user_groups``."""

from __future__ import annotations

from cloudwright.child.rest import Record
from cloudwright.compat.cloudify_rest_client._resource import Resource, request


class Group(Record):
    pass


class UserGroupsClient(Resource):
    @request("PUT /user-groups/users", Group)
    def add_user(self, username, group_name): ...

    @request("POST /user-groups", Group, always=("ldap_group_dn",))
    def create(self, group_name, role, ldap_group_dn=None): ...

    @request("DELETE /user-groups/{group_name}")
    def delete(self, group_name): ...

    @request("GET /user-groups/{group_name}", Group)
    def get(self, group_name, **kwargs): ...

    @request("GET /user-groups", [Group])
    def list(self, _include=None, sort=None, is_descending=False, **kwargs): ...

    @request("DELETE /user-groups/users", body=("username", "group_name"))
    def remove_user(self, username, group_name): ...

    @request("POST /user-groups/{group_name}", Group, names={"new_role": "role"})
    def set_role(self, group_name, new_role): ...
