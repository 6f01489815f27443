"""``cloudify_rest_client.ldap``."""

from __future__ import annotations

from cloudwright.child.rest import Record
from cloudwright.compat.cloudify_rest_client._files import read
from cloudwright.compat.cloudify_rest_client._resource import Resource, request


class LdapResponse(Record):
    pass


class LdapClient(Resource):
    @request("GET /ldap", dict)
    def get_status(self): ...

    def set(
        self,
        ldap_server,
        ldap_username=None,
        ldap_password=None,
        ldap_is_active_directory=False,
        ldap_domain="",
        ldap_dn_extra="",
        ldap_base_dn=None,
        ldap_group_dn=None,
        ldap_bind_format=None,
        ldap_user_filter=None,
        ldap_group_member_filter=None,
        ldap_attribute_email=None,
        ldap_attribute_first_name=None,
        ldap_attribute_last_name=None,
        ldap_attribute_uid=None,
        ldap_attribute_group_membership=None,
        ldap_nested_levels=None,
        ldap_ca_path="",
    ):
        data = dict(locals())
        del data["self"], data["ldap_ca_path"]
        if ldap_ca_path:
            data["ldap_ca_cert"] = read(ldap_ca_path).decode()
        return LdapResponse(self.api.post("/ldap", data=data))
