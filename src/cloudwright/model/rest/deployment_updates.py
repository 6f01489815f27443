"""Updates of deployments."""

from __future__ import annotations

from cloudwright.model.rest.common import Object, Owned


class DeploymentUpdate(Owned, total=False):
    """``changed`` says what of each node that stays changes, and ``instance_changes`` what becomes of which
    instance, each with ``id``, ``node_id``, ``action`` (``replace``, ``add``, ``update``, ``remove``) and
    ``reason``; ``digest`` is of all that the plan was made from, ``switched`` whether the new plan holds,
    and ``is_rollback`` whether it leads back to what was before another one.
    """

    id: str
    deployment_id: str
    state: str
    execution_id: str | None
    old_blueprint_id: str
    new_blueprint_id: str
    old_inputs: Object
    new_inputs: Object
    options: Object
    steps: list[Object]
    changed: Object
    instance_changes: list[Object]
    modified_entity_ids: Object
    deployment_plan: Object
    deployment_update_nodes: list[Object]
    deployment_update_node_instances: Object
    labels_to_create: list[Object]
    recursive_dependencies: list[Object]
    schedules_to_create: list[Object]
    schedules_to_delete: list[str]
    central_plugins_to_install: list[Object]
    central_plugins_to_uninstall: list[Object]
    runtime_only_evaluation: bool
    switched: bool
    is_rollback: bool
    digest: str | None
    reason: str | None
    created_at: str | None
    ended_at: str | None
