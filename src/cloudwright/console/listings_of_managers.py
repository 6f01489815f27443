"""The lists of what a manager has for all tenants: users, their groups, tenants, and the audit log."""

from __future__ import annotations

from cloudwright.api.routes import audit, tenants, user_groups, users
from cloudwright.console.listings import Action, Column, Form, Input, Listing
from cloudwright.model.permissions import SYSTEM_ROLES, TENANT_ROLES

_SYSTEM_ROLE = Input(
    "role",
    "Role",
    "choice",
    choices=tuple(role.value for role in reversed(SYSTEM_ROLES)),
    hint="default: what tenants give. sys_admin: everything, everywhere.",
)
_TENANT_ROLE = Input("role", "Role", "choice", choices=tuple(role.value for role in reversed(TENANT_ROLES)))
_TENANT = Input("tenant_name", "Tenant")

USERS = Listing(
    path="users",
    title="Users",
    noun="user",
    api="/users",
    endpoint=users.list_users,
    id="username",
    columns=(
        Column("User", "username"),
        Column("Role everywhere", "role"),
        Column("Active", "active", "check"),
        Column("Locked", "is_locked", "check"),
        Column("Tenants", "tenants", "names"),
        Column("Groups", "groups", "names"),
        Column("Last log-in", "last_login_at", "time"),
    ),
    asked={"_get_data": "true"},
    search="name",
    forms=(
        Form(
            "create",
            "Create a user",
            "PUT",
            "/users",
            users.create_user,
            (Input("username", "User name"), Input("password", "Password", "password"), _SYSTEM_ROLE),
            "User `{username}` is created, and belongs to no tenant yet.",
        ),
        Form(
            "password",
            "Set a password",
            "POST",
            "/users/{username}",
            users.delete_user,
            (Input("username", "User name"), Input("password", "Password", "password")),
            "The password of `{username}` is set.",
        ),
    ),
    actions=(
        Action(
            "deactivate",
            "Deactivate …",
            "POST",
            "/users/active/{id}",
            users.set_active,
            "User `{id}` is deactivated.",
            "Deactivate {id}? Sessions and tokens are worth nothing until it is active again.",
            {"action": "deactivate"},
            lambda row: bool(row["active"]),
        ),
        Action(
            "activate",
            "Activate",
            "POST",
            "/users/active/{id}",
            users.set_active,
            "User `{id}` is active.",
            body={"action": "activate"},
            offered=lambda row: not row["active"],
        ),
        Action(
            "unlock",
            "Unlock",
            "POST",
            "/users/unlock/{id}",
            users.unlock_user,
            "User `{id}` is unlocked.",
            offered=lambda row: bool(row["is_locked"]),
        ),
        Action(
            "delete",
            "Delete …",
            "DELETE",
            "/users/{id}",
            users.delete_user,
            "User `{id}` is deleted.",
            "Delete user {id}?",
        ),
    ),
)

USER_GROUPS = Listing(
    path="user-groups",
    title="User groups",
    noun="group",
    api="/user-groups",
    endpoint=user_groups.list_groups,
    id="name",
    columns=(
        Column("Group", "name"),
        Column("Role everywhere", "role"),
        Column("Users", "users", "names"),
        Column("Tenants", "tenants", "names"),
    ),
    asked={"_get_data": "true"},
    search="name",
    forms=(
        Form(
            "create",
            "Create a group",
            "POST",
            "/user-groups",
            user_groups.create_group,
            (Input("group_name", "Group"), _SYSTEM_ROLE),
            "Group `{group_name}` is created.",
        ),
        Form(
            "add",
            "Add a user to a group",
            "PUT",
            "/user-groups/users",
            user_groups.add_member,
            (Input("username", "User name"), Input("group_name", "Group")),
            "User `{username}` is in group `{group_name}`.",
        ),
        Form(
            "remove",
            "Remove a user from a group",
            "DELETE",
            "/user-groups/users",
            user_groups.remove_member,
            (Input("username", "User name"), Input("group_name", "Group")),
            "User `{username}` is not in group `{group_name}` any more.",
        ),
    ),
    actions=(
        Action(
            "delete",
            "Delete …",
            "DELETE",
            "/user-groups/{id}",
            user_groups.delete_group,
            "Group `{id}` is deleted.",
            "Delete group {id}? Its users lose what it gives them.",
        ),
    ),
)

TENANTS = Listing(
    path="tenants",
    title="Tenants",
    noun="tenant",
    api="/tenants",
    # Everybody may list the tenants that they belong to, but not who else does.
    endpoint=tenants.create_tenant,
    id="name",
    columns=(
        Column("Tenant", "name", "tenant"),
        Column("Users", "users", "roles"),
        Column("Groups", "groups", "roles"),
        Column("Created", "created_at", "time"),
    ),
    asked={"_get_data": "true"},
    search="name",
    forms=(
        Form(
            "create",
            "Create a tenant",
            "POST",
            "/tenants/{tenant_name}",
            tenants.create_tenant,
            (_TENANT,),
            "Tenant `{tenant_name}` is created.",
            ("tenant_name", "tenant"),
        ),
        Form(
            "add-user",
            "Add a user to a tenant",
            "PUT",
            "/tenants/users",
            tenants.add_user,
            (Input("username", "User name"), _TENANT, _TENANT_ROLE),
            "User `{username}` is `{role}` in tenant `{tenant_name}`.",
        ),
        Form(
            "remove-user",
            "Remove a user from a tenant",
            "DELETE",
            "/tenants/users",
            tenants.remove_user,
            (Input("username", "User name"), _TENANT),
            "User `{username}` is not in tenant `{tenant_name}` any more.",
        ),
        Form(
            "add-group",
            "Add a group to a tenant",
            "PUT",
            "/tenants/user-groups",
            tenants.add_group,
            (Input("group_name", "Group"), _TENANT, _TENANT_ROLE),
            "Group `{group_name}` is `{role}` in tenant `{tenant_name}`.",
        ),
    ),
    actions=(
        Action(
            "delete",
            "Delete …",
            "DELETE",
            "/tenants/{id}",
            tenants.delete_tenant,
            "Tenant `{id}` is deleted.",
            "Delete tenant {id}? It is refused while there is anything in it.",
        ),
    ),
)

AUDIT = Listing(
    path="audit",
    title="Audit log",
    noun="record",
    api="/audit",
    endpoint=audit.list_records,
    columns=(
        Column("When", "created_at", "time"),
        Column("Who", "creator_name"),
        Column("Did", "operation"),
        Column("What", "ref_table"),
        Column("Which", "ref_id"),
        Column("By permission", "action"),
        Column("From", "address"),
        Column("In execution", "execution_id", "execution"),
    ),
    asked={"order_by": "created_at", "desc": "true"},
    search="",
    size="size",
    offset="offset",
)

LISTINGS = (USERS, USER_GROUPS, TENANTS, AUDIT)
