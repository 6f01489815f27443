"""The lists of what a tenant has besides blueprints, deployments and executions."""

from __future__ import annotations

from cloudwright.api.routes import agents, deployment_groups, execution_schedules, plugins, secrets
from cloudwright.console.listings import Action, Column, Form, Input, Listing

_VISIBILITY = Input(
    "visibility", "Visible to", "choice", choices=("tenant", "private"), hint="private: you and managers"
)
_OWNED = (Column("Created", "created_at", "time"), Column("By", "created_by"))

PLUGINS = Listing(
    path="plugins",
    title="Plugins",
    noun="plugin",
    api="/plugins",
    endpoint=plugins.list_plugins,
    columns=(
        Column("Package", "package_name"),
        Column("Version", "package_version"),
        Column("Title", "title"),
        Column("Visibility", "visibility"),
        Column("Uploaded", "uploaded_at", "time"),
        Column("By", "created_by"),
    ),
    search="package",
    forms=(
        Form(
            "upload",
            "Upload a plugin",
            "POST",
            "/plugins",
            plugins.upload_plugin,
            (
                Input(
                    "archive",
                    "Archive",
                    "file",
                    hint="A plugin.yaml and its code, zipped: a wagon, a wheel or a project, 15 MB at most.",
                ),
                Input("title", "Title", required=False),
                _VISIBILITY,
            ),
            "The plugin is uploaded.",
        ),
    ),
    actions=(
        Action(
            "delete",
            "Delete …",
            "DELETE",
            "/plugins/{id}",
            plugins.delete_plugin,
            "The plugin is deleted.",
            "Delete the plugin? It is refused while a deployment needs it.",
        ),
    ),
)

AGENTS = Listing(
    path="agents",
    title="Agents",
    noun="agent",
    api="/agents",
    endpoint=agents.list_agents,
    id="name",
    columns=(
        Column("Agent", "name"),
        Column("Connection", "connection", "status"),
        Column("Since", "state_since", "time"),
        Column("Last seen", "last_seen", "time"),
        Column("Runs", "operations", "count"),
        Column("Deployment", "deployment", "deployment"),
        Column("Address", "ip"),
        Column("Version", "version"),
    ),
    note="`cfy agents enroll` shows how to start the agent of a host.",
    search="name",
    actions=(
        Action(
            "delete",
            "Delete …",
            "DELETE",
            "/agents/{id}",
            agents.delete_agent,
            "Agent `{id}` is deleted.",
            "Delete agent {id}? It is ordered to stop; that is refused while operations run on it.",
        ),
    ),
)

SCHEDULES = Listing(
    path="schedules",
    title="Schedules",
    noun="schedule",
    api="/execution-schedules",
    endpoint=execution_schedules.list_schedules,
    columns=(
        Column("Schedule", "id"),
        Column("Status", "status", "status"),
        Column("Workflow", "workflow_id"),
        Column("Deployment", "deployment_id", "deployment"),
        Column("Next, in UTC", "next_occurrence"),
        Column("Latest", "latest_execution_id", "execution"),
        Column("By", "created_by"),
    ),
    asked={"_sort": "next_occurrence"},
    note="`cfy deployments schedule create` makes them.",
    live="executions",
)

GROUPS = Listing(
    path="groups",
    title="Groups of deployments",
    noun="group",
    api="/deployment-groups",
    endpoint=deployment_groups.list_deployment_groups,
    columns=(
        Column("Group", "id"),
        Column("Description", "description"),
        Column("Blueprint", "default_blueprint_id", "blueprint"),
        Column("Deployments", "deployment_ids", "count"),
        *_OWNED,
    ),
    note="`cfy deployments groups` makes and changes them.",
)

SECRETS = Listing(
    path="secrets",
    title="Secrets",
    noun="secret",
    api="/secrets",
    endpoint=secrets.list_secrets,
    id="key",
    columns=(
        Column("Key", "key"),
        Column("Visibility", "visibility"),
        Column("Hidden", "is_hidden_value", "check"),
        Column("Changed", "updated_at", "time"),
        Column("By", "created_by"),
    ),
    note="Values are never shown here.",
    search="key",
    forms=(
        Form(
            "create",
            "Create a secret",
            "PUT",
            "/secrets/{key}",
            secrets.create_secret,
            (
                Input("key", "Key"),
                Input("value", "Value", "area"),
                Input("is_hidden_value", "Hide it from everybody but its creator and managers", "check"),
                _VISIBILITY,
            ),
            "Secret `{key}` is created.",
            ("key", "secret"),
        ),
    ),
    actions=(
        Action(
            "delete",
            "Delete …",
            "DELETE",
            "/secrets/{id}",
            secrets.delete_secret,
            "Secret `{id}` is deleted.",
            "Delete secret {id}? What reads it later will fail.",
        ),
    ),
)

LISTINGS = (PLUGINS, AGENTS, SCHEDULES, GROUPS, SECRETS)
