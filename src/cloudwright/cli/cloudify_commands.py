"""The commands that `cfy` 7.0.5 of Cloudify has, by the command above them: what people from there type."""

from __future__ import annotations

_CRUD = "create delete get list update"
_LABELS = "add delete list"
_NAMES = {
    "": "agents apply auditlog blueprints certificates cluster community config db-nodes deployments events "
    "executions groups idp init install ldap license log-bundles maintenance-mode managers node-instances "
    "nodes permissions plugins profiles secrets sites snapshots status tenants tokens uninstall user-groups "
    "users workflows",
    "agents": "install list validate",
    "auditlog": "list truncate",
    "blueprints": "create-requirements delete download filters get inputs install-plugins labels list "
    "package set-global set-icon set-owner set-visibility summary upload validate",
    "blueprints filters": _CRUD,
    "blueprints labels": _LABELS,
    "certificates": "generate-replace-config replace",
    "cluster": "brokers db-nodes managers remove status update-profile",
    "community": "register",
    "config": "list update",
    "db-nodes": "list update",
    "deployments": "capabilities create delete filters get get-update groups history inputs labels list "
    "modifications outputs schedule set-owner set-site set-visibility status-list summary update",
    "deployments filters": _CRUD,
    "deployments groups": "create delete extend labels list shrink update update-deployments",
    "deployments labels": _LABELS,
    "deployments modifications": "get list rollback",
    "deployments schedule": "create delete disable enable get list summary update",
    "events": "delete list",
    "executions": "cancel delete get graphs groups list operations resume start summary",
    "executions graphs": "list",
    "executions groups": "cancel details get list resume set-concurrency set-failure-group "
    "set-success-group start",
    "executions operations": "get list",
    "groups": "list",
    "idp": "get",
    "ldap": "set status",
    "license": "check environments list remove upload",
    "log-bundles": "create delete download list",
    "maintenance-mode": "activate deactivate status",
    "managers": "list",
    "node-instances": "delete-runtime get list summary update-runtime",
    "nodes": "get list summary",
    "permissions": "allow disallow list",
    "plugins": "blueprint-labels bundle-upload delete deployment-labels download download_yaml get "
    "get-update history install list list_updates resource-tags set-global set-owner set-visibility update "
    "upload validate",
    "profiles": "delete export import list set set-cluster show-current unset use",
    "secrets": "create delete export get import list providers set-global set-owner set-visibility update",
    "sites": _CRUD,
    "snapshots": "create delete download list restore status upload",
    "tenants": "add-user add-user-group create delete get list remove-user remove-user-group update-user "
    "update-user-group",
    "tokens": "create delete get list",
    "user-groups": "add-user create delete get list remove-user set-role",
    "users": "activate create deactivate delete get list set-password set-role unlock",
    "workflows": "get list",
}


def cloudify_commands(path: str) -> list[str]:
    """Return the names that Cloudify has below a command: `` `` for the root, ``executions groups``."""
    return _NAMES.get(path, "").split()
