"""Permissions and the roles that have them, under the names that Cloudify gives them; hooks are our own.

A route declares one permission: see ``cloudwright.api.authorization.requires``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType


class Role(StrEnum):
    """Each role has the permissions of the one before it, and more."""

    #: A user who belongs to no tenant.
    DEFAULT = "default"
    #: Looks at a tenant.
    VIEWER = "viewer"
    #: Deploys and runs what a tenant has blueprints of.
    OPERATIONS = "operations"
    #: Brings blueprints, plugins, secrets and sites into a tenant.
    USER = "user"
    #: Sees and changes what others keep private in a tenant.
    MANAGER = "manager"
    #: Manages users, tenants and the manager itself.
    SYS_ADMIN = "sys_admin"


#: The roles of a user that hold in every tenant; a user has one of them.
SYSTEM_ROLES = (Role.SYS_ADMIN, Role.DEFAULT)
#: The roles that a user or a group has in a tenant.
TENANT_ROLES = (Role.MANAGER, Role.USER, Role.OPERATIONS, Role.VIEWER)


class Permission(StrEnum):
    """What a route may need, and the lowest role that has it."""

    lowest_role: Role

    def __new__(cls, name: str, lowest_role: Role) -> Permission:
        made = str.__new__(cls, name)
        made._value_ = name
        made.lowest_role = lowest_role
        return made

    ADMINISTRATORS = "administrators", Role.MANAGER
    AGENT_CREATE = "agent_create", Role.OPERATIONS
    AGENT_GET = "agent_get", Role.VIEWER
    AGENT_LIST = "agent_list", Role.VIEWER
    AGENT_REPLACE_CERTS = "agent_replace_certs", Role.SYS_ADMIN
    AGENT_UPDATE = "agent_update", Role.OPERATIONS
    ALL_TENANTS = "all_tenants", Role.SYS_ADMIN
    AUDIT_LOG_INJECT = "audit_log_inject", Role.SYS_ADMIN
    AUDIT_LOG_TRUNCATE = "audit_log_truncate", Role.SYS_ADMIN
    AUDIT_LOG_VIEW = "audit_log_view", Role.SYS_ADMIN
    BLUEPRINT_DELETE = "blueprint_delete", Role.USER
    BLUEPRINT_DOWNLOAD = "blueprint_download", Role.VIEWER
    BLUEPRINT_GET = "blueprint_get", Role.VIEWER
    BLUEPRINT_LIST = "blueprint_list", Role.VIEWER
    BLUEPRINT_UPLOAD = "blueprint_upload", Role.USER
    BROKER_GET = "broker_get", Role.DEFAULT
    BROKER_MANAGE = "broker_manage", Role.SYS_ADMIN
    CLUSTER_NODE_CONFIG_UPDATE = "cluster_node_config_update", Role.SYS_ADMIN
    CLUSTER_STATUS_GET = "cluster_status_get", Role.VIEWER
    COMMUNITY_CONTACT_CREATE = "community_contact_create", Role.SYS_ADMIN
    CREATE_GLOBAL_RESOURCE = "create_global_resource", Role.SYS_ADMIN
    CREATE_TOKEN = "create_token", Role.DEFAULT
    DB_NODES_GET = "db_nodes_get", Role.DEFAULT
    DELETE_TOKEN = "delete_token", Role.DEFAULT
    DEPLOYMENT_CAPABILITIES = "deployment_capabilities", Role.VIEWER
    DEPLOYMENT_CREATE = "deployment_create", Role.OPERATIONS
    DEPLOYMENT_DELETE = "deployment_delete", Role.OPERATIONS
    DEPLOYMENT_GET = "deployment_get", Role.VIEWER
    DEPLOYMENT_GROUP_CREATE = "deployment_group_create", Role.OPERATIONS
    DEPLOYMENT_GROUP_DELETE = "deployment_group_delete", Role.OPERATIONS
    DEPLOYMENT_GROUP_GET = "deployment_group_get", Role.VIEWER
    DEPLOYMENT_GROUP_LIST = "deployment_group_list", Role.VIEWER
    DEPLOYMENT_GROUP_UPDATE = "deployment_group_update", Role.OPERATIONS
    DEPLOYMENT_LIST = "deployment_list", Role.VIEWER
    DEPLOYMENT_MODIFICATION_FINISH = "deployment_modification_finish", Role.OPERATIONS
    DEPLOYMENT_MODIFICATION_GET = "deployment_modification_get", Role.VIEWER
    DEPLOYMENT_MODIFICATION_LIST = "deployment_modification_list", Role.VIEWER
    DEPLOYMENT_MODIFICATION_OUTPUTS = "deployment_modification_outputs", Role.VIEWER
    DEPLOYMENT_MODIFICATION_ROLLBACK = "deployment_modification_rollback", Role.OPERATIONS
    DEPLOYMENT_MODIFY = "deployment_modify", Role.OPERATIONS
    DEPLOYMENT_SET_SITE = "deployment_set_site", Role.OPERATIONS
    DEPLOYMENT_SET_VISIBILITY = "deployment_set_visibility", Role.OPERATIONS
    DEPLOYMENT_UPDATE = "deployment_update", Role.OPERATIONS
    DEPLOYMENT_UPDATE_CREATE = "deployment_update_create", Role.OPERATIONS
    DEPLOYMENT_UPDATE_GET = "deployment_update_get", Role.VIEWER
    DEPLOYMENT_UPDATE_LIST = "deployment_update_list", Role.VIEWER
    DEPLOYMENT_UPDATE_UPDATE = "deployment_update_update", Role.OPERATIONS
    EVENT_CREATE = "event_create", Role.OPERATIONS
    EVENT_DELETE = "event_delete", Role.OPERATIONS
    EVENT_LIST = "event_list", Role.VIEWER
    EXECUTE_GLOBAL_WORKFLOW = "execute_global_workflow", Role.MANAGER
    EXECUTION_CANCEL = "execution_cancel", Role.OPERATIONS
    EXECUTION_DELETE = "execution_delete", Role.OPERATIONS
    EXECUTION_GET = "execution_get", Role.VIEWER
    EXECUTION_GROUP_CANCEL = "execution_group_cancel", Role.OPERATIONS
    EXECUTION_GROUP_CREATE = "execution_group_create", Role.OPERATIONS
    EXECUTION_GROUP_GET = "execution_group_get", Role.VIEWER
    EXECUTION_GROUP_LIST = "execution_group_list", Role.VIEWER
    EXECUTION_GROUP_UPDATE = "execution_group_update", Role.OPERATIONS
    EXECUTION_LIST = "execution_list", Role.VIEWER
    EXECUTION_SCHEDULE_CREATE = "execution_schedule_create", Role.OPERATIONS
    EXECUTION_SCHEDULE_GET = "execution_schedule_get", Role.VIEWER
    EXECUTION_SCHEDULE_LIST = "execution_schedule_list", Role.VIEWER
    EXECUTION_SHOULD_START = "execution_should_start", Role.VIEWER
    EXECUTION_START = "execution_start", Role.OPERATIONS
    EXECUTION_STATUS_UPDATE = "execution_status_update", Role.OPERATIONS
    FILE_SERVER_AUTH = "file_server_auth", Role.VIEWER
    FILTER_CREATE = "filter_create", Role.OPERATIONS
    FILTER_DELETE = "filter_delete", Role.OPERATIONS
    FILTER_GET = "filter_get", Role.VIEWER
    FILTER_LIST = "filter_list", Role.VIEWER
    FILTER_UPDATE = "filter_update", Role.OPERATIONS
    FUNCTIONS_EVALUATE = "functions_evaluate", Role.OPERATIONS
    HOOK_CREATE = "hook_create", Role.USER
    HOOK_DELETE = "hook_delete", Role.USER
    HOOK_GET = "hook_get", Role.USER
    HOOK_LIST = "hook_list", Role.USER
    HOOK_UPDATE = "hook_update", Role.USER
    IDENTITY_PROVIDER_GET = "identity_provider_get", Role.DEFAULT
    INTER_DEPLOYMENT_DEPENDENCY_CREATE = "inter_deployment_dependency_create", Role.OPERATIONS
    INTER_DEPLOYMENT_DEPENDENCY_DELETE = "inter_deployment_dependency_delete", Role.OPERATIONS
    INTER_DEPLOYMENT_DEPENDENCY_GET = "inter_deployment_dependency_get", Role.VIEWER
    INTER_DEPLOYMENT_DEPENDENCY_LIST = "inter_deployment_dependency_list", Role.VIEWER
    INTER_DEPLOYMENT_DEPENDENCY_UPDATE = "inter_deployment_dependency_update", Role.OPERATIONS
    LABELS_LIST = "labels_list", Role.VIEWER
    LDAP_SET = "ldap_set", Role.SYS_ADMIN
    LDAP_STATUS_GET = "ldap_status_get", Role.DEFAULT
    LICENSE_LIST = "license_list", Role.DEFAULT
    LICENSE_REMOVE = "license_remove", Role.SYS_ADMIN
    LICENSE_UPLOAD = "license_upload", Role.SYS_ADMIN
    LIST_TOKEN = "list_token", Role.DEFAULT
    LOG_BUNDLE_CREATE = "log_bundle_create", Role.SYS_ADMIN
    LOG_BUNDLE_DELETE = "log_bundle_delete", Role.SYS_ADMIN
    LOG_BUNDLE_DOWNLOAD = "log_bundle_download", Role.SYS_ADMIN
    LOG_BUNDLE_GET = "log_bundle_get", Role.SYS_ADMIN
    LOG_BUNDLE_LIST = "log_bundle_list", Role.SYS_ADMIN
    LOG_BUNDLE_STATUS_UPDATE = "log_bundle_status_update", Role.SYS_ADMIN
    MAINTENANCE_MODE_GET = "maintenance_mode_get", Role.DEFAULT
    MAINTENANCE_MODE_SET = "maintenance_mode_set", Role.SYS_ADMIN
    MANAGER_CONFIG_GET = "manager_config_get", Role.DEFAULT
    MANAGER_CONFIG_PUT = "manager_config_put", Role.SYS_ADMIN
    MANAGER_GET = "manager_get", Role.VIEWER
    MANAGER_MANAGE = "manager_manage", Role.SYS_ADMIN
    MANAGE_OTHERS_TOKENS = "manage_others_tokens", Role.SYS_ADMIN
    MONITORING = "monitoring", Role.SYS_ADMIN
    NODE_DELETE = "node_delete", Role.OPERATIONS
    NODE_INSTANCE_DELETE = "node_instance_delete", Role.OPERATIONS
    NODE_INSTANCE_GET = "node_instance_get", Role.VIEWER
    NODE_INSTANCE_LIST = "node_instance_list", Role.VIEWER
    NODE_INSTANCE_UPDATE = "node_instance_update", Role.OPERATIONS
    NODE_LIST = "node_list", Role.VIEWER
    NODE_UPDATE = "node_update", Role.OPERATIONS
    OPERATIONS = "operations", Role.VIEWER
    PLUGINS_UPDATE_CREATE = "plugins_update_create", Role.OPERATIONS
    PLUGINS_UPDATE_GET = "plugins_update_get", Role.VIEWER
    PLUGINS_UPDATE_LIST = "plugins_update_list", Role.VIEWER
    PLUGIN_DELETE = "plugin_delete", Role.USER
    PLUGIN_DOWNLOAD = "plugin_download", Role.VIEWER
    PLUGIN_GET = "plugin_get", Role.VIEWER
    PLUGIN_LIST = "plugin_list", Role.VIEWER
    PLUGIN_UPLOAD = "plugin_upload", Role.USER
    PROVIDER_CONTEXT_CREATE = "provider_context_create", Role.SYS_ADMIN
    PROVIDER_CONTEXT_GET = "provider_context_get", Role.DEFAULT
    RESOURCE_SET_GLOBAL = "resource_set_global", Role.SYS_ADMIN
    RESOURCE_SET_VISIBILITY = "resource_set_visibility", Role.USER
    SECRETS_PROVIDER_CREATE = "secrets_provider_create", Role.USER
    SECRETS_PROVIDER_DELETE = "secrets_provider_delete", Role.USER
    SECRETS_PROVIDER_GET = "secrets_provider_get", Role.VIEWER
    SECRETS_PROVIDER_LIST = "secrets_provider_list", Role.VIEWER
    SECRETS_PROVIDER_UPDATE = "secrets_provider_update", Role.USER
    SECRET_CREATE = "secret_create", Role.USER
    SECRET_DELETE = "secret_delete", Role.USER
    SECRET_EXPORT = "secret_export", Role.USER
    SECRET_GET = "secret_get", Role.VIEWER
    SECRET_IMPORT = "secret_import", Role.USER
    SECRET_LIST = "secret_list", Role.VIEWER
    SECRET_UPDATE = "secret_update", Role.USER
    SET_EXECUTION_DETAILS = "set_execution_details", Role.SYS_ADMIN
    SET_EXECUTION_GROUP_DETAILS = "set_execution_group_details", Role.SYS_ADMIN
    SET_OWNER = "set_owner", Role.SYS_ADMIN
    SET_PLUGIN_UPDATE_DETAILS = "set_plugin_update_details", Role.SYS_ADMIN
    SET_TIMESTAMP = "set_timestamp", Role.SYS_ADMIN
    SITE_CREATE = "site_create", Role.USER
    SITE_DELETE = "site_delete", Role.USER
    SITE_GET = "site_get", Role.VIEWER
    SITE_LIST = "site_list", Role.VIEWER
    SITE_UPDATE = "site_update", Role.USER
    SNAPSHOT_CREATE = "snapshot_create", Role.SYS_ADMIN
    SNAPSHOT_DELETE = "snapshot_delete", Role.SYS_ADMIN
    SNAPSHOT_DOWNLOAD = "snapshot_download", Role.SYS_ADMIN
    SNAPSHOT_GET = "snapshot_get", Role.SYS_ADMIN
    SNAPSHOT_LIST = "snapshot_list", Role.SYS_ADMIN
    SNAPSHOT_RESTORE = "snapshot_restore", Role.SYS_ADMIN
    SNAPSHOT_STATUS_UPDATE = "snapshot_status_update", Role.SYS_ADMIN
    SNAPSHOT_UPLOAD = "snapshot_upload", Role.SYS_ADMIN
    STATUS_GET = "status_get", Role.DEFAULT
    TENANT_ADD_GROUP = "tenant_add_group", Role.SYS_ADMIN
    TENANT_ADD_USER = "tenant_add_user", Role.SYS_ADMIN
    TENANT_CREATE = "tenant_create", Role.SYS_ADMIN
    TENANT_DELETE = "tenant_delete", Role.SYS_ADMIN
    TENANT_GET = "tenant_get", Role.OPERATIONS
    TENANT_LIST = "tenant_list", Role.DEFAULT
    TENANT_LIST_GET_DATA = "tenant_list_get_data", Role.SYS_ADMIN
    TENANT_REMOVE_GROUP = "tenant_remove_group", Role.SYS_ADMIN
    TENANT_REMOVE_USER = "tenant_remove_user", Role.SYS_ADMIN
    TENANT_UPDATE_GROUP = "tenant_update_group", Role.SYS_ADMIN
    TENANT_UPDATE_USER = "tenant_update_user", Role.SYS_ADMIN
    TOKEN_GET = "token_get", Role.DEFAULT
    USER_CREATE = "user_create", Role.SYS_ADMIN
    USER_DELETE = "user_delete", Role.SYS_ADMIN
    USER_GET = "user_get", Role.SYS_ADMIN
    USER_GET_SELF = "user_get_self", Role.DEFAULT
    USER_GROUP_ADD_USER = "user_group_add_user", Role.SYS_ADMIN
    USER_GROUP_CREATE = "user_group_create", Role.SYS_ADMIN
    USER_GROUP_DELETE = "user_group_delete", Role.SYS_ADMIN
    USER_GROUP_GET = "user_group_get", Role.SYS_ADMIN
    USER_GROUP_LIST = "user_group_list", Role.SYS_ADMIN
    USER_GROUP_REMOVE_USER = "user_group_remove_user", Role.SYS_ADMIN
    USER_GROUP_UPDATE = "user_group_update", Role.SYS_ADMIN
    USER_LIST = "user_list", Role.SYS_ADMIN
    USER_SET_ACTIVATED = "user_set_activated", Role.SYS_ADMIN
    USER_TOKEN = "user_token", Role.SYS_ADMIN
    USER_UNLOCK = "user_unlock", Role.SYS_ADMIN
    USER_UPDATE = "user_update", Role.SYS_ADMIN
    VERSION_GET = "version_get", Role.DEFAULT


_ORDER = list(Role)


def _permissions(role: Role) -> frozenset[Permission]:
    rank = _ORDER.index(role)
    return frozenset(one for one in Permission if _ORDER.index(one.lowest_role) <= rank)


#: The permissions of each role.
PERMISSIONS: Mapping[str, frozenset[Permission]] = MappingProxyType(
    {role: _permissions(role) for role in Role}
)


def is_permitted(roles: Iterable[str], permission: Permission) -> bool:
    """Return whether one of the roles has the permission; a role that is not known has none."""
    return any(permission in PERMISSIONS.get(role, ()) for role in roles)
