"""What scripts do with users, groups, tenants and the audit log of the real REST client; run by its
interpreter. Prints `ok`.
"""

import sys

from cloudify_rest_client import CloudifyClient
from cloudify_rest_client.exceptions import CloudifyClientError

PORT, TOKEN = int(sys.argv[1]), sys.argv[2]
client = CloudifyClient("127.0.0.1", port=PORT, token=TOKEN, tenant="default_tenant")
users, groups, tenants = client.users, client.user_groups, client.tenants


def refused(status, code, call, *args, **kwargs):
    error = None
    try:
        call(*args, **kwargs)
    except CloudifyClientError as raised:
        error = raised
    assert error is not None, f"{call} was not refused"
    assert (error.status_code, error.error_code) == (status, code), error


def as_user(username, password, tenant):
    return CloudifyClient("127.0.0.1", port=PORT, username=username, password=password, tenant=tenant)


made = users.create("ann", "first password", "default")
assert (made.username, made.role, made.active, made.is_locked) == ("ann", "default", True, False)
assert (made.groups, made.tenants, made.group_system_roles) == (0, 0, {})
refused(409, "conflict_error", users.create, "ann", "first password", "default")
refused(400, "bad_parameters_error", users.create, "x", "first password", "emperor")
assert [user.username for user in users.list(sort="username", is_descending=True)] == ["ann", "admin"]
assert users.list(_search="an", _get_data=True)[0].user_tenants == {}
assert users.get("ann").username == "ann"
assert users.get_self().username == "admin"
assert users.set_role("ann", "sys_admin").role == "sys_admin"
assert users.set_role("ann", "default").role == "default"
assert users.set_password("ann", "second password").username == "ann"
refused(404, "not_found_error", users.get, "nobody")

assert tenants.create("shop").name == "shop"
refused(409, "conflict_error", tenants.create, "shop")
assert tenants.add_user("ann", "shop", "viewer").users == 1
refused(409, "conflict_error", tenants.add_user, "ann", "shop", "viewer")
assert tenants.update_user("ann", "shop", "user").name == "shop"
refused(404, "not_found_error", tenants.update_user, "admin", "shop", "user")
assert tenants.get("shop", _get_data=True).direct_users == {"ann": "user"}
assert [tenant.name for tenant in tenants.list(sort="name")] == ["default_tenant", "shop"]

assert groups.create("ops", "default", ldap_group_dn="cn=ops").ldap_dn == "cn=ops"
assert groups.add_user("ann", "ops").users == 1
refused(409, "conflict_error", groups.add_user, "ann", "ops")
assert tenants.add_user_group("ops", "shop", "operations").groups == 1
assert tenants.update_user_group("ops", "shop", "manager").groups == 1
assert tenants.get("shop", _get_data=True).group_users == {"ops": {"role": "manager", "users": ["ann"]}}
assert groups.get("ops", _get_data=True).tenants == {"shop": "manager"}
assert groups.set_role("ops", "default").role == "default"
assert [group.name for group in groups.list()] == ["ops"]
ann = users.get("ann", _get_data=True)
assert (ann.user_tenants, ann.group_tenants) == ({"shop": "user"}, {"shop": {"manager": ["ops"]}})

own = as_user("ann", "second password", "shop")
assert own.users.get_self().username == "ann"
assert [tenant.name for tenant in own.tenants.list()] == ["shop"]
own.secrets.create("word", "one", visibility="private")
refused(403, "forbidden_error", own.users.list)
refused(403, "forbidden_error", own.secrets.create, "all", "one", visibility="global")
refused(403, "forbidden_error", as_user("ann", "second password", "default_tenant").secrets.list)
refused(401, "unauthorized_error", as_user("ann", "first password", "shop").secrets.list)
token = own.tokens.create(description="for a script")
assert [item.id for item in own.tokens.list()] == [token.id]
assert own.tokens.get(token.id).username == "ann"
by_token = CloudifyClient("127.0.0.1", port=PORT, token=token.value, tenant="shop")
assert [secret.key for secret in by_token.secrets.list()] == ["word"]
assert own.users.set_password("ann", "third password").username == "ann"

assert users.deactivate("ann").active is False
refused(409, "conflict_error", users.deactivate, "ann")
refused(401, "unauthorized_error", by_token.secrets.list)
assert users.activate("ann").active is True
own = as_user("ann", "third password", "shop")
own.tokens.delete(token.id)
refused(401, "unauthorized_error", by_token.secrets.list)
refused(409, "conflict_error", users.unlock, "ann")
refused(400, "dependent_exists_error", tenants.delete, "shop")
own.secrets.delete("word")

permissions = client.permissions.list(role="operations")
assert {"role": "operations", "permission": "execution_start"} in permissions
assert len(client.permissions.list()) > len(permissions)
refused(400, "illegal_action_error", client.permissions.add, "user_create", "viewer")
refused(400, "illegal_action_error", client.permissions.delete, "user_create", "sys_admin")

log = client.auditlog.list(creator_name="ann", order_by="created_at", desc=True, size=100, offset=0)
assert [(item.operation, item.ref_table, item.ref_identifier) for item in log][:2] == [
    ("delete", "secrets", {"id": "word", "tenant_name": "shop"}),
    ("delete", "tokens", {"id": token.id}),
], list(log)
assert client.auditlog.list(get_all=True, since="2020-01-01").metadata.pagination.total > 10
assert client.auditlog.delete(before="2020-01-01T00:00:00Z").deleted == 0
assert client.auditlog.delete(before="2999-01-01", creator_name="ann").deleted == len(log)

groups.remove_user("ann", "ops")
refused(404, "not_found_error", groups.remove_user, "ann", "ops")
tenants.remove_user_group("ops", "shop")
tenants.remove_user("ann", "shop")
refused(403, "forbidden_error", own.secrets.list)
groups.delete("ops")
users.delete("ann")
tenants.delete("shop")
assert list(groups.dump()) == []
assert {"role": "viewer", "permission": "event_list"} in list(client.permissions.dump())
print("ok")
